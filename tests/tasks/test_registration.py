"""Tasks of users: what is understood, what is refused, and how templates are kept in."""

from pathlib import Path
from typing import Any

import pytest

from sparkllm.cli import main
from sparkllm.tasks import Call, CallError, Task, prompt_for
from sparkllm.tasks.prompt import Literal
from sparkllm.tasks.registration import tasks_at, valid


def _task(**entries: Any) -> dict[str, Any]:
    return {"name": "mine", "template": "Look at it.", **entries}


def test_a_template_sees_options_and_their_defaults() -> None:
    task = valid(
        _task(
            template="Be {{ tone }} about {{ labels | join('/') }}.",
            answer="labels",
            options=["tone", "labels"],
            defaults={"tone": "brief", "labels": ["a", "b"], "max_tokens": 3},
        )
    )
    prompt = prompt_for(Call("mine", ("x",), definition=task))
    assert prompt.head == (Literal("Be brief about a/b.\n\n"),)
    assert (prompt.choices, prompt.sampling) == (("a", "b"), {"version": "mine/1", "max_tokens": 3})
    given = prompt_for(Call("mine", ("x",), {"tone": "long"}, definition=task))
    assert given.head == (Literal("Be long about a/b.\n\n"),)


def test_the_version_is_among_what_answers_are_remembered_by() -> None:
    versions = [
        prompt_for(Call("mine", ("x",), definition=Task("mine", "Look.", version=version))).sampling
        for version in ("1", "2")
    ]
    assert versions == [{"version": "mine/1"}, {"version": "mine/2"}]


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ({"name": "classify"}, "task classify ships with sparkllm"),
        ({"name": "Mine!"}, "a task can't be called 'Mine!'"),
        ({"name": 5}, "a task needs a text as name"),
        ({"template": "  "}, "the template of task mine is empty"),
        ({"template": "{% if %}"}, r"is no Jinja \(line 1\)"),
        ({"template": "{{ unknown }}"}, "names unknown, which is none of its options: it has none"),
        ({"colour": 1}, "a task has no entry colour: they are name, template"),
        ({"defaults": {"tone": 1}}, "has a default for tone, which is none of its options"),
        ({"options": "labels"}, "options is a list of names"),
        ({"options": ["seed"]}, "option seed is one of every call"),
        ({"reduces": True, "answer": "labels"}, "its answer is text or a SQL type, not labels"),
    ],
)
def test_a_task_that_means_nothing_is_refused(entries: dict[str, Any], says: str) -> None:
    with pytest.raises(CallError, match=says):
        valid(_task(**entries))


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ tone.__class__.__mro__ }}", "SecurityError"),
        ("{% for i in range(10000000) %}x{% endfor %}", "OverflowError"),
        ("{% for i in range(99999) %}{{ tone }}{% endfor %}", "more than 1,000,000 characters"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{{ tone.missing }}", "UndefinedError"),
        ("{% include '/etc/passwd' %}", "TypeError"),
    ],
)
def test_a_template_that_fails_or_leaves_its_sandbox_is_an_error_of_the_call(
    template: str, says: str
) -> None:
    task = Task("mine", template, options=("tone",))
    with pytest.raises(CallError, match=says):
        prompt_for(Call("mine", ("x",), {"tone": "neither here nor there"}, definition=task))


def test_a_folder_of_yaml_files_is_read_and_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = Path(__file__).parents[2] / "docs" / "tasks.md"
    (tmp_path / "stars.yaml").write_text(document.read_text().split("```yaml\n")[1].split("```")[0])
    (tmp_path / "notes.txt").write_text("no task")
    [task] = tasks_at(tmp_path)
    assert (task.name, task.answer, task.defaults["max_tokens"]) == ("stars", "INT", 4)
    assert main(["tasks", "--path", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "classify" in shown
    assert "stars" in shown


@pytest.mark.parametrize("text", ["- a list", "name: [", "name: x", ""])
def test_a_file_that_holds_no_task_is_named(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "wrong.yaml").write_text(text)
    assert main(["tasks", "--path", str(tmp_path)]) == 1
    assert "wrong.yaml: " in capsys.readouterr().err
