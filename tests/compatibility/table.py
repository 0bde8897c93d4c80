"""`docs/compatibility.md`."""

from collections.abc import Iterable, Mapping
from typing import Any

WAYS = {
    "classic": "PySpark",
    "connect": "Spark Connect",
    "shell": "`spark-sql`",
    "plain": "plain UDF",
}
_HEAD = """\
# Compatibility

Made by `make compat`, which installs the latest patch of each minor version of Spark, builds the
jar against it, and runs `tests/compatibility/smoke.py` there with the model that ships: named
options, a map of options, labels, an instruction over two columns, a typed answer, a struct,
embeddings, groups, a join, the DataFrame API, a filter, a LIMIT that stops asking, the prefix
exchange, error details, errors that fail, usage, and a wrong call; in a classic session, over Spark
Connect, in the `spark-sql` shell (named options), and as a plain UDF without the jar
(`sparkllm.register`; a map of options, labels, the DataFrame API).

"""


def document(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the document: a row for each version of Spark, a column for each way into it."""
    lines = [
        f"| Spark | Python | Java | Scala | {' | '.join(WAYS.values())} |",
        f"|---|---|---|---|{'---|' * len(WAYS)}",
    ]
    for row in rows:
        cells = [row["spark"], *(row.get(name, "?") for name in ("python", "java", "scala"))]
        cells += ["works" if row[way] else "**fails**" for way in WAYS]
        lines.append(f"| {' | '.join(cells)} |")
    return _HEAD + "\n".join(lines) + "\n"
