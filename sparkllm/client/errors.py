"""What can go wrong with the engine process, as exceptions that cross process borders."""


class EngineError(Exception):
    """The engine can't answer: one sentence, and the path of the log that says more."""

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message, log)
        self.message = message
        self.log = log

    def __str__(self) -> str:
        return f"{self.message} (log: {self.log})" if self.log else self.message


class EngineStartError(EngineError):
    """The engine process could not be started, in its own words."""


class EngineCrashError(EngineError):
    """The engine process died again and again without finishing a row."""


class EngineRefusedError(EngineError):
    """The engine does not take the call; asking again does not help."""
