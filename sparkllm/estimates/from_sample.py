"""From a sample of an operator's inputs to what its calls will take."""

from dataclasses import dataclass

from sparkllm.estimates.call_estimate import CallEstimate, grown
from sparkllm.estimates.speed import Speed
from sparkllm.worker.sample_estimate import SampledCall
from sparkllm_engine.server.budget import Prices


@dataclass(frozen=True, slots=True)
class Sampled:
    """What a sample tells of an operator: `rows` with `distinct` inputs, and each of its calls.

    `most` says that only some of the rows will be asked, depending on other answers.
    """

    rows: int
    distinct: int
    calls: tuple[SampledCall, ...]
    most: bool = False


def estimate(sampled: Sampled, speed: Speed | None, engines: int, prices: Prices) -> CallEstimate:
    """Return what the calls of an operator will take.

    Args:
        sampled: what is known of them.
        speed: of one engine, None where it isn't known.
        engines: that share the work.
        prices: of tokens.
    """
    inputs = prompt = computed = answer = 0.0
    known_most = (
        {"rows", "distinct inputs", "prompt tokens", "from cache"} if sampled.most else set()
    )
    for call in sampled.calls:
        factor = sampled.distinct / call.sampled if call.sampled else 1.0
        of_call = grown(call.inputs, call.half_inputs, factor)
        share = of_call / max(call.inputs, 1)
        inputs += of_call
        prompt += call.prompt_tokens * share
        computed += grown(call.computed_tokens, call.half_computed_tokens, share)
        answer += call.answer_tokens * of_call
        if call.is_most or sampled.most:
            known_most |= {"answer tokens", "seconds", "money"}
    cached = prompt - computed
    seconds = speed.seconds(inputs, prompt, cached, answer) / engines if speed else None
    money = prices.money(prompt, cached, answer)
    return CallEstimate(
        sampled.rows, inputs, prompt, cached, answer, seconds, money, frozenset(known_most)
    )
