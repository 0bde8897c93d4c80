"""The tasks that ship with sparkllm."""

from sparkllm.tasks.task import Task

_SENTIMENTS = ("positive", "negative", "neutral")
_YES_NO = "{{ instruction }} Answer yes or no."

_CLASSIFY = """\
{% if multi_label %}
Which of these labels apply to the input? Answer true or false for each label:
{% else %}
Classify the input. Answer with one of these labels:
{% endif %}
{% for label in labels %}
- {{ label }}{% if descriptions[label] %}: {{ descriptions[label] }}{% endif %}

{% endfor %}
{% if examples %}

Examples:
{% for text, label in examples %}
{{ text | quoted }}: {{ label }}
{% endfor %}
{% endif %}
"""

_SENTIMENT = """\
{% if aspects %}
What does the input say about each of these aspects? Answer as JSON with positive, negative, \
neutral, mixed, or null where it says nothing:
{% for aspect in aspects %}
- {{ aspect }}
{% endfor %}
{% else %}
Classify the input. Answer with one of these labels:
{% for label in labels %}
- {{ label }}
{% endfor %}
{% endif %}
"""

_EXTRACT = """\
Extract these fields as JSON: {{ fields | map(attribute='name') | join(', ') }}
{% for field in fields if field.description %}
- {{ field.name }}: {{ field.description }}
{% endfor %}
"""

_AGG = """\
{{ instruction }}
{% if combining %}
Each answer below was given for a part of the input. Put them together into one answer.
{% else %}
Give one answer for all of the input.
{% endif %}
"""

_SUMMARIZE_AGG = """\
{% if combining %}
Each of these is a summary of a part of the input. Put them together into one summary\
{% else %}
Summarize all of these texts together\
{% endif %}
{% if max_words %} in at most {{ max_words }} words{% endif %}.
"""

_TASKS = {
    task.name: task
    for task in (
        Task(
            "agg",
            _AGG,
            options=("instruction", "chunk_tokens"),
            defaults={"chunk_tokens": 0, "max_tokens": 256},
            reduces=True,
        ),
        Task(
            "classify",
            _CLASSIFY,
            "labels",
            ("labels", "multi_label", "examples"),
            {"labels": _SENTIMENTS, "multi_label": False, "examples": ()},
        ),
        Task("count_tokens", "(no prompt: the tokens of the text itself are counted)", "tokens"),
        Task(
            "embed",
            "(no prompt: the text itself is embedded)",
            "embedding",
            ("model",),
            {"model": ""},
        ),
        Task("extract", _EXTRACT, "fields", ("fields",), {"max_tokens": 256}),
        Task("filter", _YES_NO, "boolean", ("instruction",)),
        Task(
            "fix_grammar",
            "Correct the spelling and grammar of the input. Answer with the corrected text only.",
            defaults={"max_tokens": 512},
        ),
        Task("generate", "Answer the request in the input.", defaults={"max_tokens": 512}),
        Task(
            "mask",
            "Repeat the input, but write [MASKED] in place of every {{ entities | join(', ') }}.",
            options=("entities",),
            defaults={
                "entities": ("person", "email", "phone number", "address"),
                "max_tokens": 512,
            },
        ),
        Task("score", _YES_NO, "probability", ("instruction",)),
        Task(
            "sentiment",
            _SENTIMENT,
            "aspects",
            ("aspects", "labels"),
            {"aspects": (), "labels": _SENTIMENTS},
        ),
        Task(
            "summarize",
            "Summarize the input{% if max_words %} in at most {{ max_words }} words{% endif %}.",
            options=("max_words",),
            defaults={"max_words": 50, "max_tokens": 256},
        ),
        Task(
            "summarize_agg",
            _SUMMARIZE_AGG,
            options=("max_words", "chunk_tokens"),
            defaults={"max_words": 50, "chunk_tokens": 0, "max_tokens": 256},
            reduces=True,
        ),
        Task(
            "translate",
            "Translate the input into {{ language }}. Answer with the translation only.",
            options=("language",),
            defaults={"max_tokens": 512},
        ),
    )
}


def tasks() -> tuple[Task, ...]:
    """Return the tasks that ship, sorted by name."""
    return tuple(_TASKS[name] for name in task_names())


def task_names() -> tuple[str, ...]:
    """Return the names of all tasks that ship, sorted."""
    return tuple(sorted(_TASKS))


def task_named(name: str) -> Task | None:
    """Return the task that ships with this name (case does not matter), or None."""
    return _TASKS.get(name.strip().lower())
