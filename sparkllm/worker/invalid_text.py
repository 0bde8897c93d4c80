"""Rows with text that is not valid Unicode: Spark's strings may hold any bytes."""

from collections.abc import Mapping

import pyarrow as pa


def invalid_rows(rows: pa.Table) -> Mapping[int, str]:
    """Return what is wrong, by the row's position, where a value is not valid UTF-8."""
    found: dict[int, str] = {}
    for name in rows.column_names:
        column = rows.column(name)
        if not _is_valid(column):
            for position in range(rows.num_rows):
                if not _is_valid(column.slice(position, 1)):
                    found.setdefault(
                        position,
                        f"the value of {name} is not valid UTF-8: repair the column, such as with"
                        f" make_valid_utf8({name})",
                    )
    return found


def _is_valid(column: pa.ChunkedArray) -> bool:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
