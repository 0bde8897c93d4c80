"""One prompt with its answer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Example:
    """The user message as the pieces the product sends, and the answer the model shall give.

    `group` names the task in tables of accuracies; `choices` is the closed set of answers, empty
    for a free one; `beliefs` says how likely a teacher holds each choice, where one was asked;
    `schema` is the JSON schema of an answer in JSON; `features` is what an encoder sees in the
    row's text, where it was asked.
    """

    group: str
    pieces: tuple[str, ...]
    answer: str
    choices: tuple[str, ...]
    beliefs: tuple[float, ...] = ()
    schema: str = ""
    features: tuple[float, ...] = ()
