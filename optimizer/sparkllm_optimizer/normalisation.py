"""Making inputs equal that a caller holds for the same."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True, slots=True)
class Normalisation:
    """What to ignore in texts: white space around them, their case, their Unicode composition."""

    trim: bool = False
    case: bool = False
    unicode: bool = False


def normalise(table: pa.Table, normalisation: Normalisation) -> pa.Table:
    """Return the table with its text columns normalised; other columns stay as they are."""
    columns = [_normalise(column, normalisation) for column in table.columns]
    return pa.table(columns, names=table.column_names)


def _normalise(column: pa.ChunkedArray, normalisation: Normalisation) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column
    if normalisation.unicode:
        column = pc.utf8_normalize(column, form="NFC")
    if normalisation.case:
        column = pc.utf8_lower(column)
    if normalisation.trim:
        column = pc.utf8_trim_whitespace(column)
    return column
