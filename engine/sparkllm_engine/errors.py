"""Errors of the engine and of rows: exceptions for programmers, codes for rows."""

from enum import StrEnum


class RowErrorCode(StrEnum):
    """Why a row has no answer. The codes of all parts of sparkllm, as users see them.

    Attributes:
        meaning: what happened.
        remedy: what to do.
        is_passing: whether the same row may be answered when it is asked again as it is.
    """

    meaning: str
    remedy: str
    is_passing: bool

    def __new__(cls, code: str, meaning: str, remedy: str, is_passing: bool) -> "RowErrorCode":
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        member.remedy = remedy
        member.is_passing = is_passing
        return member

    OVERFLOW = (
        "OVERFLOW",
        "The prompt is longer than the model's context, or than the KV cache holds.",
        "Shorten the columns, set `overflow => 'truncate'`, or take a model with a longer context.",
        False,
    )
    TRUNCATED = (
        "TRUNCATED",
        "The answer was not finished at `max_tokens` or where the context ends "
        "(`finish_reason` is `length`). What there is of it is never repaired.",
        "Raise `max_tokens`, or ask for a shorter answer.",
        False,
    )
    INVALID_INPUT = (
        "INVALID_INPUT",
        "A value of the row has no text: it is not valid Unicode.",
        "Repair the column, such as with `make_valid_utf8(column)`.",
        False,
    )
    INVALID_CALL = (
        "INVALID_CALL",
        "The model can't be asked this way: labels too many for it, a type whose grammar it can't "
        "follow, or options that exclude each other.",
        "Follow the message: it names the value that is too much.",
        False,
    )
    INVALID_ANSWER = (
        "INVALID_ANSWER",
        "The answer is not a value of the type that was asked for, such as an INT out of range.",
        "Take a wider type, or `STRING`.",
        False,
    )
    ENGINE = (
        "ENGINE",
        "The engine or the model failed while it worked on this row.",
        "Ask again; if it stays, look into the engine's log, which the executor's log names.",
        True,
    )
    TIMEOUT = (
        "TIMEOUT",
        "There was no answer within the time that a row may take.",
        "Ask again, or raise the time limit.",
        True,
    )
    QUARANTINED = (
        "QUARANTINED",
        "The engine died each time that it worked on this row, which is not sent any more.",
        "Look at the row; the engine's log says how it died.",
        False,
    )
    BACKEND = (
        "BACKEND",
        "The remote model service refused or failed the request.",
        "Follow the message, which is the service's.",
        True,
    )
    BUDGET = (
        "BUDGET",
        "The budget of tokens, calls or time was spent before this row's turn.",
        "Raise the budget and run the query again: rows that are answered are not asked twice.",
        True,
    )


class EngineError(Exception):
    """Base of every exception that the engine raises on purpose."""


class EngineConfigError(EngineError):
    """The engine can't start as configured: one sentence names the value and what to do."""
