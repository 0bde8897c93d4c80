"""The struct that `on_error => 'detail'` gives for each row."""

import pyarrow as pa

Cut = list[dict[str, object]]

ERROR = pa.struct([("code", pa.utf8()), ("message", pa.utf8())])
COUNTS = ("prompt_tokens", "cached_tokens", "output_tokens")
USAGE = pa.struct([(name, pa.int32()) for name in COUNTS])
CUT = pa.list_(pa.field("element", pa.struct([("column", pa.utf8()), ("characters", pa.int32())])))


def detail_type(value: pa.DataType) -> pa.DataType:
    """Return the type of what `on_error => 'detail'` gives, around that of the value."""
    return pa.struct(
        [
            ("value", value),
            ("error", ERROR),
            ("finish_reason", pa.utf8()),
            ("usage", USAGE),
            ("cut", CUT),
        ]
    )
