"""One prompt with its answer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Example:
    """The user message as the pieces the product sends, and the answer the model shall give.

    `group` names the task in tables of accuracies; `choices` is the closed set of answers.
    """

    group: str
    pieces: tuple[str, ...]
    answer: str
    choices: tuple[str, ...]
