"""No query makes more calls than its budget allows, however many engines work on it."""

from hypothesis import given
from hypothesis import strategies as st

from sparkllm_engine import EngineConfig
from sparkllm_engine.request import Request, Result
from sparkllm_engine.server.budget import Budget, Cost, Limits, Prices
from sparkllm_engine.server.metering import BudgetTerms, MeteredEngine
from tests.engines import DigestEngine


def answered(limits: Limits, rows: int, prices: Prices | None = None) -> list[Result]:
    """Return the results of an engine for rows of five words on the account of one query."""
    meter = MeteredEngine(DigestEngine(EngineConfig("none")))
    account = meter.account(BudgetTerms("1", limits, prices or Prices()))
    account.own(range(rows))
    for number in range(rows):
        meter.add(Request(number, (f"row {number} of many rows",)))
    results = []
    while meter.has_unfinished:
        results += meter.step()
    meter.leave(account)
    return results


def texts(results: list[Result]) -> int:
    return sum(result.text is not None for result in results)


@given(st.integers(1, 60), st.integers(0, 60))
def test_calls_are_made_up_to_the_limit_and_the_rest_is_told_why(limit: int, rows: int) -> None:
    results = answered(Limits(calls=limit), rows)
    assert sorted(result.id for result in results) == list(range(rows))
    assert texts(results) == min(limit, rows)
    for result in results:
        if result.text is None:
            assert result.error_code == "BUDGET"
            assert f"spark.sparkllm.budget.calls = {limit} is spent" in str(result.error_message)


@given(st.integers(1, 400))
def test_tokens_are_spent_up_to_the_limit_and_at_most_the_first_few_calls_above(limit: int) -> None:
    results = answered(Limits(tokens=limit), 100)
    spent = 6 * texts(results)  # five words and an answer of one token
    assert min(limit, 600) <= spent < max(limit + 6, 6 * 17)


def test_money_is_spent_up_to_the_limit() -> None:
    results = answered(Limits(money=50.0), 100, Prices(input=100_000, cached=0, output=500_000))
    assert texts(results) == 50  # 5 tokens at 0.1 and one at 0.5


def test_the_same_terms_after_a_pause_go_on_where_they_were() -> None:
    meter = MeteredEngine(DigestEngine(EngineConfig("none")))
    terms = BudgetTerms("1", Limits(calls=5))
    found = []
    for first in (0, 4):
        account = meter.account(terms)
        account.own(range(first, first + 4))
        for number in range(first, first + 4):
            meter.add(Request(number, ("row",)))
        while meter.has_unfinished:
            found += meter.step()
        meter.leave(account)
    assert texts(found) == 5


def test_a_request_that_is_cancelled_and_added_again_is_another_call() -> None:
    meter = MeteredEngine(DigestEngine(EngineConfig("none")))
    account = meter.account(BudgetTerms("1", Limits(calls=3)))
    account.own(range(3))
    for number in range(3):
        meter.add(Request(number, ("row",)))
    meter._admit(account)
    meter.cancel([0, 1])
    for number in range(2):
        meter.add(Request(number, ("row",)))
    results = []
    while meter.has_unfinished:
        results += meter.step()
    assert sorted((result.id, result.error_code) for result in results) == [
        (0, "BUDGET"),
        (1, "BUDGET"),
        (2, None),
    ]


def test_requests_without_a_budget_are_not_counted() -> None:
    meter = MeteredEngine(DigestEngine(EngineConfig("none")))
    account = meter.account(BudgetTerms("1", Limits(calls=1)))
    account.own([0, 1])
    for number in range(10):
        meter.add(Request(number, ("row",)))
    results = []
    while meter.has_unfinished:
        results += meter.step()
    assert texts(results) == 9
    meter.leave(account)


asked = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 20), st.booleans(), st.booleans()), max_size=60
)


@given(asked, st.integers(1, 50))
def test_engines_together_never_get_more_calls_than_there_are(
    steps: list[tuple[int, int, bool, bool]], limit: int
) -> None:
    budget = Budget(Limits(calls=limit))
    under_way = dict.fromkeys(range(3), 0)
    granted = 0
    for engine, wanted, ends, dies in steps:
        if dies:
            budget.abandon(engine)
            under_way[engine] = 0
            continue
        ended = under_way[engine] if ends else 0
        grant = budget.ask(engine, wanted, Cost(ended, 10 * ended))
        under_way[engine] += grant.calls - ended
        granted += grant.calls
        assert granted <= limit
        assert grant.calls <= wanted
        assert (grant.spent is not None) <= (granted == limit)


def test_calls_of_an_engine_that_died_are_taken_to_have_cost_the_average() -> None:
    budget = Budget(Limits(tokens=1000))
    assert budget.ask("one", 10, Cost()).calls == 10
    budget.ask("one", 0, Cost(5, 500))
    budget.abandon("one")
    assert budget.cost == Cost(10, 1000)
    assert budget.ask("other", 1, Cost()).spent == "spark.sparkllm.budget.tokens = 1000 is spent"
