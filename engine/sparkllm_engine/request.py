"""What goes into the engine and what comes out: one result for each request."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SamplingParameters:
    """How an answer is chosen.

    Attributes:
        max_tokens: most tokens to generate.
        temperature: 0 takes the most likely token; above, tokens are drawn.
        top_k: draw among the k most likely tokens, 0 for all.
        top_p: draw among the most likely tokens that together reach this probability.
        seed: makes the drawn answer of a request repeatable, whatever runs beside it.
        choices: closed answer set: scored, not generated; the text is one of them.
    """

    max_tokens: int = 128
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """A prompt in pieces, the text of the user message, and how to answer it."""

    id: int
    prompt: tuple[str, ...]
    parameters: SamplingParameters = SamplingParameters()


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to one request.

    Attributes:
        id: id of the request.
        text: the answer, None after an error.
        finish_reason: `stop`, `length`, `choice`, `error` or `cancelled`.
        error_code: such as `PROMPT_TOO_LONG`, None without an error.
        error_message: what was wrong and what to do.
        prompt_tokens: tokens of the prompt with its chat template.
        cached_tokens: those of them whose keys and values were there already.
        output_tokens: tokens generated.
        probabilities: one for each choice, sums to 1; empty for generated answers.
    """

    id: int
    text: str | None
    finish_reason: str
    error_code: str | None = None
    error_message: str | None = None
    prompt_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    probabilities: tuple[float, ...] = ()
