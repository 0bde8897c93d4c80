"""The codes of row errors are declared once; the document follows them."""

from pathlib import Path

from sparkllm import row_errors
from sparkllm_engine.errors import RowErrorCode

_DOCUMENT = Path(__file__).parents[2] / "docs" / "errors.md"


def test_the_document_is_up_to_date() -> None:
    assert _DOCUMENT.read_text() == row_errors.document(), "run make docs"


def test_every_code_says_what_happened_and_what_to_do() -> None:
    for code in RowErrorCode:
        assert code.meaning.endswith((".", "repaired."))
        assert code.remedy.endswith(".")
        assert f"| `{code}` |" in row_errors.document()
