"""`explain`: what the calls of a query will take, and what they took."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sparkllm.estimates.call_estimate import CallEstimate, table
from sparkllm.estimates.from_sample import Sampled, estimate
from sparkllm.estimates.speed import fit
from sparkllm.worker.sample_estimate import SampledCall
from sparkllm.worker.settings import prices_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True, slots=True)
class ExplainedCalls:
    """The calls of one operator.

    `notes` name the layout of the prompts, the order of their fields, and the rules that changed
    the query. `estimate` is None where the inputs are answers of other calls. `actual` is what was
    counted, None where the query was not run.
    """

    calls: tuple[str, ...]
    notes: tuple[str, ...]
    estimate: CallEstimate | None
    actual: CallEstimate | None = None

    def __str__(self) -> str:
        columns = [("estimated", self.estimate), ("actual", self.actual)]
        shown = [(title, numbers) for title, numbers in columns if numbers]
        numbers = table(shown) if shown else "its inputs are answers of other calls"
        if self.estimate is None and shown:
            numbers = f"{numbers}\n(no estimate: its inputs are answers of other calls)"
        return "\n".join([*self.calls, f"  {', '.join(self.notes)}", *_indented(numbers)])


@dataclass(frozen=True, slots=True, repr=False)
class Explanation:
    """What the calls of a query take, an entry for each operator that makes some, in order."""

    operators: tuple[ExplainedCalls, ...]

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.operators)) or "the query makes no call"

    def __repr__(self) -> str:
        return str(self)


def explain(df: "DataFrame", analyze: bool = False) -> Explanation:
    """Estimate what the calls of a query will take, without making any.

    Runs a job for each operator with calls, which reads their inputs and keeps a sample of at most
    16,384 distinct ones; their prompts are made and tokenised as ever. Conditions on answers are
    taken to hold, so what depends on them is an upper bound (≤). Seconds are fitted to the queries
    of this session so far, and unknown before the first.

    Args:
        df: a query in a classic session with the Catalyst extension.
        analyze: whether to run the query then, and put what was counted beside.

    Raises:
        ExplainUnavailableError: a Connect session, or one without the extension.
    """
    from sparkllm import usage

    spark: Any = df.sparkSession
    ledger = usage(spark)
    engines, told = _asked(df)
    speed = fit(ledger.queries())
    prices = prices_of(lambda name: spark.conf.get(name, None))
    explained = []
    titles = []
    for message in map(json.loads, told):
        sampled = [SampledCall(**call) for call in json.loads(message.get("sample", "[]"))]
        titles.append(", ".join(call.call for call in sampled))
        numbers = None
        if "sample" in message:
            numbers = estimate(
                Sampled(message["rows"], message["distinct"], tuple(sampled), message["most"]),
                speed,
                engines,
                prices,
            )
        explained.append(ExplainedCalls(tuple(message["calls"]), tuple(message["notes"]), numbers))
    if analyze:
        explained = _analyzed(df, ledger, explained, titles)
    return Explanation(tuple(explained))


class ExplainUnavailableError(RuntimeError):
    """The plan of a query can't be read from this session; the message says what can be done."""


def _asked(df: "DataFrame") -> tuple[int, list[str]]:
    """How many engines there are, and what the extension tells of the query's operators."""
    plan: Any = getattr(df, "_jdf", None)
    if plan is None:
        raise ExplainUnavailableError(
            "a Connect session can't be asked for samples: use EXPLAIN COST, which takes none"
        )
    context: Any = df.sparkSession.sparkContext
    scala: Any = context._jsc.sc()
    engines = 1 if scala.isLocal() else max(1, scala.getExecutorIds().size())
    estimates: Any = context._jvm.org.apache.spark.sql.sparkllm.Estimates
    if not callable(estimates):
        raise ExplainUnavailableError(
            "this session was started without the Catalyst extension: start it with "
            "sparkllm.session(...) or sparkllm.configure(builder)"
        )
    return engines, list(estimates.sampled(plan))


def _analyzed(
    df: "DataFrame", ledger: Any, explained: list[ExplainedCalls], titles: list[str]
) -> list[ExplainedCalls]:
    """Run the query and put what was counted beside its estimates."""
    before = {(query, calls) for query, calls, _ in ledger.passes()}
    df.write.format("noop").mode("overwrite").save()
    passes = [one for one in ledger.passes() if one[:2] not in before]
    busy = {query: ledger.busy(query) for query, _, _ in passes}
    found = []
    for entry, title in zip(explained, titles, strict=True):
        own = [one for one in passes if one[1] == title or len(passes) == len(explained) == 1]
        passes = [one for one in passes if one not in own[:1]]
        actual = CallEstimate.counted(own[0][2], busy[own[0][0]]) if own else None
        found.append(ExplainedCalls(entry.calls, entry.notes, entry.estimate, actual))
    return found


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]
