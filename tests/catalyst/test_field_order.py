"""With `perQuery` all tasks of a query give their prompts one order of fields."""

from collections.abc import Iterator

import pytest

from tests.catalyst.conftest import RecordedApplication

ORDER = "spark.sparkllm.optimizer.columnOrder"
QUERY = "SELECT id, llm('Say it', review, product) AS s FROM {}"


@pytest.fixture
def per_query(recorded: RecordedApplication) -> Iterator[RecordedApplication]:
    recorded.value(f"spark.conf.set('{ORDER}', 'perQuery')")
    yield recorded
    recorded.value(f"spark.conf.unset('{ORDER}')")


def fields(prompt: str) -> list[str]:
    """The names of the fields of a prompt, in its order."""
    lines = prompt.partition("\n\n")[2].splitlines()
    return [line.partition(":")[0] for line in lines]


def test_the_order_is_learned_from_a_sample_of_the_whole_query(
    per_query: RecordedApplication,
) -> None:
    """No product repeats within a task's file, so no task would put it first by itself."""
    prompts = per_query.asked(QUERY.format("t"))
    assert [fields(prompt) for prompt in prompts] == [["product", "review"]] * 8


def test_a_guarded_call_gets_the_order_of_the_rows_that_it_is_asked_about(
    per_query: RecordedApplication,
) -> None:
    query = "SELECT CASE WHEN id % 4 < 1 THEN llm('Say it', review, product) END FROM t"
    assert [fields(prompt) for prompt in per_query.asked(query)] == [["product", "review"]] * 2


def test_a_value_in_the_instruction_stays_there(per_query: RecordedApplication) -> None:
    prompts = per_query.asked("SELECT llm('Say {product} of it', id, review, product) FROM t")
    assert all(prompt.startswith('Say "product ') for prompt in prompts)
    assert {tuple(sorted(fields(prompt))) for prompt in prompts} == {("id", "review")}


def test_statistics_of_the_table_say_the_order_before_the_query_runs(
    per_query: RecordedApplication,
) -> None:
    per_query.value("spark.table('t').write.saveAsTable('analyzed')")
    query = QUERY.format("analyzed")
    assert _takes_sample(per_query, query)
    per_query.value(
        "spark.sql('ANALYZE TABLE analyzed COMPUTE STATISTICS FOR COLUMNS review, product').count()"
    )
    assert not _takes_sample(per_query, query)
    prompts = per_query.asked(query)
    assert [fields(prompt) for prompt in prompts] == [["product", "review"]] * 8


def test_no_call_is_asked_for_the_sake_of_a_sample(per_query: RecordedApplication) -> None:
    query = "SELECT llm('Join them', llm('Say it', product), product) FROM t"
    prompts = per_query.asked(query)
    assert sum(prompt.startswith("Say it") for prompt in prompts) == 8
    assert len(prompts) == 16


def test_explain_takes_no_sample(per_query: RecordedApplication) -> None:
    jobs = "len(spark.sparkContext.statusTracker().getJobIdsForGroup(None))"
    before = per_query.value(jobs)
    assert _takes_sample(per_query, QUERY.format("t"))
    per_query.value(f"spark.sql('EXPLAIN EXTENDED ' + {QUERY.format('t')!r}).head()[0]")
    assert per_query.value(jobs) == before


def _takes_sample(app: RecordedApplication, query: str) -> bool:
    plan = app.value(f"spark.sql({query!r})._jdf.queryExecution().optimizedPlan().toString()")
    return "input_sample" in str(plan)
