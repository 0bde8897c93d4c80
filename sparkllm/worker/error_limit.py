"""Which errors of rows end the query, where no operator of ours looks at them."""

from typing import Any

import pyarrow as pa

from sparkllm.tasks import CallError


class RowError(RuntimeError):
    """A row ended in an error, and the call was to fail then; or too many did."""


class ErrorLimit:
    """Counts the errors of one call in a task.

    Args:
        on_error: `null` or `fail`.
        max_error_ratio: share of the task's rows that may end in an error, None for any.

    Raises:
        CallError: `on_error` is `detail`, which would change the type of the answers.
    """

    def __init__(self, on_error: str, max_error_ratio: float | None) -> None:
        if on_error == "detail":
            raise CallError("on_error => 'detail' needs the Catalyst extension of sparkllm")
        self._fails = on_error == "fail"
        self._ratio = max_error_ratio
        self._rows = 0
        self._errors = 0
        self._first: dict[str, Any] = {}

    @property
    def is_set(self) -> bool:
        """Whether the answers have to come with their errors."""
        return self._fails or self._ratio is not None

    def checked(self, answers: pa.Array) -> pa.Array:
        """Return the values of the answers.

        Raises:
            RowError: one of them is an error, and errors are to fail.
        """
        if not self.is_set:
            return answers
        errors = answers.field("error").drop_null()
        self._rows += len(answers)
        self._errors += len(errors)
        if len(errors):
            self._first = self._first or errors[0].as_py()
            if self._fails:
                raise RowError(row_error(**self._first))
        return answers.field("value")

    def check_ratio(self) -> None:
        """Look at the errors of the whole task.

        Raises:
            RowError: there are more than the ratio allows.
        """
        if self._ratio is not None and self._errors > self._ratio * self._rows:
            raise RowError(
                f"row errors: {self._errors} of {self._rows} rows, more than max_error_ratio ="
                f" {self._ratio} allows; the first is {self._first['code']}:"
                f" {self._first['message']}"
            )


def row_error(code: str, message: str) -> str:
    """Return the message of a query that fails because of one row."""
    return (
        f"row error {code}: {message}. To go on with NULL for such rows, leave out on_error =>"
        " 'fail'; on_error => 'detail' shows each row's error (docs/errors.md)"
    )
