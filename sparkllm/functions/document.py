"""`docs/functions.md`, made from the docstrings: `python -m sparkllm.functions.document`."""

from sparkllm.functions import SIGNATURES
from sparkllm.functions.signature import Signature

_HEAD = """\
# Functions

Made by `make docs` from the docstrings in `sparkllm/functions`; edit those. The tests run every
example on this page.

The same functions are in SQL (also over JDBC and Spark Connect; `DESCRIBE FUNCTION EXTENDED
llm_classify` shows the same text) and in `sparkllm.functions`. Rules for all of them:

- NULL gives NULL without a call; a row that ends in an error gives NULL ([Errors](errors.md)).
- Options are named arguments in SQL and in Python. A map as last argument does the same.
- Labels, instructions and other options are constants; what differs by row is a column.
- `sparkllm.register(spark)` makes them plain UDFs where the Catalyst extension can't be had:
  STRING, BOOLEAN, DOUBLE or INT only, so without `multi_label`, `aspects`, `llm_extract`,
  `llm_embed` and `llm_similarity`.

| function | answer |
|---|---|
"""


def document() -> str:
    """Return `docs/functions.md`."""
    rows = "".join(
        f"| [`{signature.name}`](#{signature.name}) | {signature.sections()['Summary']} |\n"
        for signature in SIGNATURES
    )
    return _HEAD + rows + "".join(map(_section, SIGNATURES))


def _section(signature: Signature) -> str:
    sections = signature.sections()
    lines = ["", f"## {signature.name}", "", f"`{signature.sql}`", "", sections["Summary"]]
    if sections["Text"]:
        lines += ["", sections["Text"]]
    lines += ["", *_arguments(sections["Args"]), "", f"Gives {_sentence(sections['Returns'])}"]
    lines += ["", "```sql"]
    for example in signature.sql_examples():
        result = f"\n-- {example.result}" if example.result else ""
        lines.append(f"{example.query};{result}")
    return "\n".join([*lines, "```", "", "```python", sections["Example"], "```", ""])


def _arguments(text: str) -> list[str]:
    """Return a list entry for each `name: meaning`, whose further lines are indented."""
    entries: list[str] = []
    for line in text.splitlines():
        if line.startswith(" "):
            entries[-1] += f" {line.strip()}"
        else:
            name, _, meaning = line.partition(": ")
            entries.append(f"- `{name}`: {meaning}")
    return entries


def _sentence(text: str) -> str:
    joined = " ".join(text.split())
    return joined[0].lower() + joined[1:] if joined.startswith("A ") else joined


if __name__ == "__main__":
    import sys

    sys.stdout.write(document())
