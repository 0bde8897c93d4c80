"""The small language model that ships with the package, and how it was made."""

from pathlib import Path

__all__ = ["path"]


def path() -> Path:
    """Return the folder with the model's weights, configuration and tokenizer."""
    return Path(__file__).parent / "weights"
