"""What goes into the engine and what comes out: one result for each request."""

from array import array
from dataclasses import dataclass

_FORMS = ("choices", "regex", "json_schema", "embedding")


@dataclass(frozen=True, slots=True)
class SamplingParameters:
    """How an answer is chosen.

    Attributes:
        max_tokens: most tokens to generate.
        min_tokens: tokens before which neither the end token nor a stop string ends the answer;
            the end of a grammar does.
        temperature: 0 takes the most likely token; above, tokens are drawn.
        top_k: draw among the k most likely tokens, 0 for all.
        top_p: draw among the most likely tokens that together reach this probability.
        seed: makes the drawn answer of a request repeatable, whatever runs beside it.
        stop: strings that end the answer, which is cut before the first of them.
        logprobs: also return the log-probability of each token and of so many of the likeliest;
            None for none.
        choices: closed answer set: scored, not generated; the text is one of them.
        probabilities: a server also sends the probability of each choice; an engine always
            returns them.
        length_normalized: judge a choice by the mean logarithm of its tokens' probabilities, so
            that long choices are not at a disadvantage, instead of by their sum.
        regex: regular expression that the whole answer matches, in the syntax of Rust's `regex`
            without look-around and anchors; empty for none.
        json_schema: JSON schema, as JSON, that the answer is valid for; empty for none.
        embedding: the answer is the embedding of the prompt, which is a text of its own: it gets no
            chat template.
        version: what the prompt was made by: changes no answer, but answers are remembered by it.
    """

    max_tokens: int = 128
    min_tokens: int = 0
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    logprobs: int | None = None
    choices: tuple[str, ...] = ()
    probabilities: bool = False
    length_normalized: bool = False
    regex: str = ""
    json_schema: str = ""
    embedding: bool = False
    version: str = ""

    def problem(self) -> str | None:
        """Return what makes no sense about the values, and what would; None if they are fine."""
        ranges = (
            ("max_tokens", self.max_tokens >= 1, "at least 1"),
            ("min_tokens", 0 <= self.min_tokens <= self.max_tokens, "from 0 to max_tokens"),
            ("temperature", 0 <= self.temperature < float("inf"), "at least 0"),
            ("top_k", self.top_k >= 0, "at least 0"),
            ("top_p", 0 < self.top_p <= 1, "above 0 and at most 1"),
            ("seed", self.seed is None or self.seed >= 0, "at least 0"),
            ("logprobs", self.logprobs is None or self.logprobs >= 0, "at least 0"),
            ("stop", all(self.stop), "strings that are not empty"),
        )
        for name, good, wanted in ranges:
            if not good:
                return f"{name} is {getattr(self, name)!r}: it must be {wanted}"
        forms = [name for name in _FORMS if getattr(self, name)]
        if len(forms) > 1:
            return f"{' and '.join(forms)} are both given: give one of them"
        return None


@dataclass(frozen=True, slots=True)
class Request:
    """A prompt in pieces, the text of the user message, and how to answer it."""

    id: int
    prompt: tuple[str, ...]
    parameters: SamplingParameters = SamplingParameters()


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token with the natural logarithm of its probability.

    The probability is that of the model, before temperature, top-k and top-p. Where a grammar
    leaves only some tokens, it is that among them: a token that had to follow has 0.

    Attributes:
        token: token id.
        text: what it adds to the answer.
        logprob: natural logarithm of its probability.
        top: the likeliest tokens at its place, likeliest first.
    """

    token: int
    text: str
    logprob: float
    top: tuple["TokenLogprob", ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to one request.

    Attributes:
        id: id of the request.
        text: the answer, empty beside an embedding, None after an error.
        finish_reason: `stop` (the model, its grammar or a stop string ended the answer), `length`
            (it was cut at `max_tokens` or where the context ends), `choice`, `embedding`,
            `error` or `cancelled`.
        error_code: one of `errors.RowErrorCode`, None without an error.
        error_message: what was wrong and what to do.
        prompt_tokens: tokens of the prompt with its chat template, if it has one.
        cached_tokens: those of them whose keys and values were there already.
        output_tokens: tokens of the answer.
        most_tokens: after an overflow, how many tokens the prompt may have; else 0.
        probabilities: one for each choice, sums to 1; empty for generated answers.
        logprobs: of the tokens of a generated answer, if they were asked for.
        embedding: float32 numbers, of length 1 together; None where none was asked for.
    """

    id: int
    text: str | None
    finish_reason: str
    error_code: str | None = None
    error_message: str | None = None
    prompt_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    most_tokens: int = 0
    probabilities: tuple[float, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    embedding: "array[float] | None" = None
