"""Looking after a store keeps every answer that it may keep, and touches nothing else."""

import os
import time
from pathlib import Path

import pytest

from sparkllm.cli import main
from sparkllm_engine.store import Location, ResultStore, StoreOptions
from sparkllm_engine.store.journal import Journal
from sparkllm_engine.store.maintenance import compact, prune, report
from sparkllm_engine.store.names import JOURNAL, SEGMENT, adopt
from sparkllm_engine.store.record import encode_result
from tests.store.answers import answer, key
from tests.store.test_persistent import texts

A_DAY = 86400


def segment(path: Path, names: range, age: float = 0.0) -> Path:
    """Write a segment of answers that is so many seconds old."""
    journal = Journal(path)
    for start in names[::10]:
        part = range(start, min(start + 10, names.stop))
        journal.append([(key(name), encode_result(answer(name)) or b"") for name in part])
    sealed = journal.seal()
    assert sealed is not None
    os.utime(sealed, (time.time() - age,) * 2)
    return sealed


def opened(path: Path) -> ResultStore:
    return ResultStore(StoreOptions(0, str(path)))


def test_joining_keeps_each_answer_once(tmp_path: Path) -> None:
    for start in range(0, 1000, 100):
        segment(tmp_path, range(start, start + 150))
    foreign = tmp_path / f"foreign{SEGMENT}"
    foreign.write_bytes(b"not ours")
    before = report(Location(str(tmp_path)))
    compact(Location(str(tmp_path)), many=5)
    after = report(Location(str(tmp_path)))
    assert (before.answers, before.records, before.files) == (1050, 1500, 11)
    assert (after.answers, after.records, after.files) == (1050, 1050, 2)
    assert foreign.read_bytes() == b"not ours"
    assert texts(opened(tmp_path), range(1050)) == [str(name) for name in range(1050)]


def test_a_store_that_is_open_while_files_are_joined_loses_nothing(tmp_path: Path) -> None:
    for start in range(0, 400, 100):
        segment(tmp_path, range(start, start + 100))
    store = opened(tmp_path)
    assert texts(store, range(400)) == [str(name) for name in range(400)]
    compact(Location(str(tmp_path)), many=2)
    time.sleep(0.3)
    assert texts(store, ["unknown"]) == [None]
    assert texts(store, range(400)) == [str(name) for name in range(400)]


def test_pruning_by_bytes_removes_the_oldest(tmp_path: Path) -> None:
    segment(tmp_path, range(100), age=3 * A_DAY)
    segment(tmp_path, range(100, 200), age=2 * A_DAY)
    compact(Location(str(tmp_path)), many=2)
    newer = segment(tmp_path, range(200, 300), age=A_DAY)
    small = newer.stat().st_size
    # joined files would be pruned together: keep these apart
    newer.rename(newer.with_suffix(JOURNAL))
    done = prune(Location(str(tmp_path)), max_bytes=small + 10)
    assert done.files == (2, 1)
    assert done.bytes[1] <= small + 10
    assert texts(opened(tmp_path), [0, 150, 250]) == [None, None, "250"]


def test_pruning_by_age_removes_what_is_older(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as then:
        then.setattr("sparkllm_engine.store.journal.time.time", lambda: time.monotonic() + 1e9)
        segment(tmp_path, range(100))  # frames of the year 2001
    segment(tmp_path, range(100, 200))
    prune(Location(str(tmp_path)), max_age=A_DAY)
    assert texts(opened(tmp_path), [5, 105]) == [None, "105"]
    assert report(Location(str(tmp_path))).records == 100


def test_a_journal_of_a_living_process_stays_and_of_a_dead_one_becomes_a_segment(
    tmp_path: Path,
) -> None:
    living = Journal(tmp_path)
    living.append([(key("a"), b"value")])
    host, _, _, token = living.name.removesuffix(JOURNAL).split("-")
    dead = tmp_path / f"{host}-{2**22 + 1}-1-{token}{JOURNAL}"
    dead.write_bytes((tmp_path / living.name).read_bytes())
    assert adopt(tmp_path) == [dead.with_suffix(SEGMENT)]
    assert (tmp_path / living.name).exists()
    assert not dead.exists()


def test_the_command_tells_verifies_prunes_and_clears(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*arguments: str) -> tuple[int, str]:
        status = main(["store", arguments[0], str(tmp_path), *arguments[1:]])
        return status, capsys.readouterr().out

    segment(tmp_path, range(60))
    torn = segment(tmp_path, range(60, 120))
    assert said("verify") == (0, "120 answers in 2 files are whole\n")
    status, told = said("stats")
    assert status == 0
    assert "answers: 120 (0 more records of the same)" in told
    assert "tokens of their calls: 1,200 prompt, 240 output" in told
    os.truncate(torn, torn.stat().st_size - 1)
    status, told = said("verify")
    assert status == 1
    assert torn.name in told
    assert "110 answers" in told
    assert said("prune", "--max-age", "30d")[0] == 0
    assert said("verify") == (0, "110 answers in 1 files are whole\n")
    assert said("clear") == (0, "removed 1 files\n")
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_what_is_wrong_with_a_path(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "stats", "nosuchscheme://a/b"]) == 1
    assert "a store can't be at 'nosuchscheme://a/b'" in capsys.readouterr().err
