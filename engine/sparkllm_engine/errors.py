"""Errors of the engine: exceptions for programmers, codes for rows."""

from typing import Final

PROMPT_TOO_LONG: Final = "PROMPT_TOO_LONG"
INVALID_REQUEST: Final = "INVALID_REQUEST"
TOKENIZATION_FAILED: Final = "TOKENIZATION_FAILED"
MODEL_FAILED: Final = "MODEL_FAILED"


class EngineError(Exception):
    """Base of every exception that the engine raises on purpose."""


class EngineConfigError(EngineError):
    """The engine can't start as configured: one sentence names the value and what to do."""
