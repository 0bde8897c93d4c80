"""The exception for calls that cannot mean anything."""


class CallError(ValueError):
    """The user wrote a call that cannot mean anything; the message says what to write instead."""
