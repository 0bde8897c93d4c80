"""The SQL function `llm` of the Catalyst extension: what reaches the worker, what is refused."""

import json
from collections.abc import Iterator

import pytest

from sparkllm.tasks import Call
from sparkllm.tasks.options import INSTRUCTION_OPTIONS, common_options
from tests.catalyst.application import Application, answered, application

T = "(VALUES ('nice dress', 'dress', 5), ('too small', 'shoes', 1)) AS t(review, product, stars)"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    properties = {
        "spark.master": "local[2]",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "UTC",
    }
    with application(tmp_path_factory.mktemp("classic"), properties) as started:
        yield started


def test_a_column_is_called_by_its_name(app: Application) -> None:
    assert app.calls(f"SELECT llm('classify', review) FROM {T}") == [
        (Call("classify", ("review",)).to_json(), {"review": "nice dress"}),
        (Call("classify", ("review",)).to_json(), {"review": "too small"}),
    ]


@pytest.mark.parametrize(
    "options",
    [
        "labels => array('good', 'bad')",
        "LABELS => split('good,bad', ',')",
        "map('labels', array('good', 'bad'))",
    ],
)
def test_options_are_named_arguments_or_a_map(app: Application, options: str) -> None:
    [(call, _), _] = app.calls(f"SELECT llm('classify', review, {options}) FROM {T}")
    assert call == Call("classify", ("review",), {"labels": ["good", "bad"]}).to_json()


def test_a_map_and_named_arguments_go_together(app: Application) -> None:
    [(call, _)] = app.calls(
        "SELECT llm('classify', 'x', map('labels', array('a', 'b')), max_tokens => 1 + 2, "
        "temperature => 0.5, top_p => 9e-1, seed => '7')"
    )
    options = {"labels": ["a", "b"], "max_tokens": 3, "temperature": 0.5, "top_p": 0.9, "seed": 7}
    assert json.loads(call)["options"] == options


def test_an_instruction_takes_several_columns(app: Application) -> None:
    query = f"SELECT llm('Does {{review}} mention {{product}}?', review, product) FROM {T}"
    call, row = app.calls(query)[0]
    assert Call.from_json(call) == Call(
        "Does {review} mention {product}?", ("review", "product"), {}
    )
    assert row == {"review": "nice dress", "product": "dress"}


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ("product, upper(review)", ["product", "col2"]),
        ("upper(review), lower(review)", ["col1", "col2"]),
        ("t.review, CAST(stars AS STRING)", ["review", "stars"]),
        ("struct(*)", ["review", "product", "stars"]),
        ("named_struct('text', review, 'n', stars + 1), product", ["text", "n", "product"]),
        ("s.info", ["a", "b"]),
        ("s.info.b", ["b"]),
        ("t.review, s.review", ["review", "review_2"]),
        ("review_2, t.review, s.review", ["review_2", "review", "review_3"]),
    ],
)
def test_columns_get_names(app: Application, arguments: str, names: list[str]) -> None:
    other = "(SELECT 'r' AS review, 'q' AS review_2, named_struct('a', 1, 'b', 'two') AS info) AS s"
    tables = f"{T}, {other}" if "s." in arguments else T
    call, row = app.calls(f"SELECT llm('classify', {arguments}) FROM {tables}")[0]
    assert json.loads(call)["columns"] == names
    assert list(row) == names


def test_values_keep_their_types(app: Application) -> None:
    [(_, row)] = app.calls(
        "SELECT llm('Look at it', named_struct('i', 7, 'f', 0.5D, 'b', true, 'n', NULL, "
        "'d', DATE'2024-02-29', 'a', array('p', 'q'), 's', named_struct('k', 1)))"
    )
    values = {"i": 7, "f": 0.5, "b": True, "n": None, "d": "2024-02-29", "a": ["p", "q"]}
    assert row == {**values, "s": {"k": 1}}


def test_a_null_struct_is_a_row_of_nulls(app: Application) -> None:
    [(_, row)] = app.calls(
        "SELECT llm('Look at it', s) FROM (SELECT CAST(NULL AS STRUCT<a: INT, b: STRING>) AS s)"
    )
    assert row == {"a": None, "b": None}


def test_any_text_reaches_the_worker_unchanged(app: Application) -> None:
    texts = [
        '"quoted" \\ back',
        "line\nbreak\ttab\r\f\b\0\x1f\x7f",
        "日本語 🙂 é\u2028",
        "{id} ${{b}}",
    ]
    for text in texts:
        expression = f"spark.range(1).select(F.call_function('llm', F.lit({text!r}), 'id'))"
        _, [(answer,)] = app.table(expression)
        assert answered(answer)[0] == Call(text, ("id",)).to_json()


def test_the_dataframe_api_calls_it_by_name(app: Application) -> None:
    _, [(answer,)] = app.table(
        "spark.range(1).select(F.call_function('llm', F.lit('classify'), "
        "F.struct(F.col('id').alias('text'), F.lit('x').alias('more')), "
        "F.create_map(F.lit('labels'), F.lit('a,b'), F.lit('max_tokens'), F.lit('3'))))"
    )
    options = {"labels": ["a", "b"], "max_tokens": 3}
    assert answered(answer) == (
        Call("classify", ("text", "more"), options).to_json(),
        {"text": 0, "more": "x"},
    )


def test_an_alias_names_a_column_of_the_dataframe_api(app: Application) -> None:
    _, [(answer,)] = app.table(
        "spark.range(1).select(F.call_function('llm', F.lit('Look at it'), "
        "F.upper('id').alias('text')))"
    )
    assert answered(answer)[1] == {"text": "0"}


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        (f"SELECT stars FROM {T} WHERE llm('Ask it', review) LIKE '%nice dress%'", [(5,)]),
        (f"SELECT count(*) FROM {T} GROUP BY llm('Ask it', 1)", [(2,)]),
        (f"SELECT product FROM {T} ORDER BY llm('Ask it', stars)", [("shoes",), ("dress",)]),
        (f"SELECT max(llm('Ask it', stars)) LIKE '%5%' FROM {T}", [(True,)]),
        (
            f"SELECT upper(product) AS p, llm('Ask it', p) LIKE '%DRESS%' FROM {T}",
            [("DRESS", True), ("SHOES", False)],
        ),
        (
            f"SELECT a.stars FROM {T} JOIN {T.replace('t(', 'a(')} "
            "ON llm('Ask it', t.review, a.product) LIKE '%nice dress%shoes%'",
            [(1,)],
        ),
        (f"SELECT count(llm('Ask it', llm('Ask first', review))) FROM {T}", [(2,)]),
    ],
    ids=["where", "group by", "order by", "aggregate", "lateral alias", "join", "nested"],
)
def test_it_works_in_each_clause(
    app: Application, query: str, rows: list[tuple[object, ...]]
) -> None:
    assert app.table(f"spark.sql({query!r})")[1] == rows


def test_a_view_may_call_it(app: Application) -> None:
    view = f"CREATE TEMP VIEW answers AS SELECT llm('Ask it', review) AS answer FROM {T}"
    app.table(f"spark.sql({view!r})")
    assert [row["review"] for _, row in app.calls("SELECT answer FROM answers")] == [
        "nice dress",
        "too small",
    ]


def test_the_result_column_is_called_as_the_call_reads(app: Application) -> None:
    query = f"SELECT llm('classify', review, labels => array('a', 'b')) FROM {T}"
    columns, _ = app.table(f"spark.sql({query!r})")
    assert columns == ["llm(classify, review, labels => array(a, b))"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("llm()", "llm needs a task or an instruction as its first argument"),
        ("llm('classify')", "llm needs at least one column after the task"),
        ("llm(1, review)", "the first argument of llm is a task or an instruction, not 1"),
        ("llm(review, review)", "the task of llm must be a constant, not review"),
        (
            "llm('Ask it', review, labels => array(review))",
            "option labels of llm must be a constant, not array(review)",
        ),
        (
            "llm('Ask it', review, map('labels', review))",
            "the map of options of llm must be a constant, not map(labels, review)",
        ),
        ("llm('Ask it', review, seed => 1, SEED => 2)", "option seed of llm is given twice"),
        ("llm('Ask it', review, map('seed', 1), seed => 2)", "option seed of llm is given twice"),
        (
            "llm('Ask it', review, seed => DATE'2024-01-01')",
            "option seed => 2024-01-01 of llm is not valid: a whole number is wanted",
        ),
        (
            "llm('Ask it', review, seed => 1 / 0)",
            "option seed of llm, (1 / 0), cannot be evaluated",
        ),
        ("llm('clasify', review)", "unknown task 'clasify': the tasks are "),
        ("llm(' ', review)", "the task or instruction of llm is empty"),
        ("llm('Is {revew} good?', review)", "names {revew}, but the columns are review"),
        ("llm('classify', review, labels => array())", "there must be at least one text"),
        ("llm('classify', review, labels => array('a', 'a'))", "each text may stand there once"),
        ("llm('classify', review, top_p => 2)", "a value above 0 and at most 1 is wanted"),
        ("llm('classify', review, max_tokens => 1.5)", "a whole number is wanted"),
        ("llm('classify', review, temperature => 'hot')", "a number is wanted"),
        ("llm('classify', CAST(review AS BINARY))", "argument review of llm is of type BINARY"),
        ("llm('Ask it', array(INTERVAL 1 DAY))", "is of type ARRAY<INTERVAL DAY>"),
        ("llm('Ask it', review, returns => 'INTT')", "'INTT' of llm is not valid: Spark has no"),
        ("llm('Ask it', review, returns => 'BINARY')", "no answer is of type BINARY"),
        ("llm('Ask it', max(review))", "there is an aggregate function inside llm(Ask it, max("),
    ],
)
def test_wrong_use_is_an_analysis_error(app: Application, call: str, message: str) -> None:
    text = app.error(f"SELECT {call} FROM {T}")
    assert message in text
    assert text.startswith("[LLM_CALL.")
    assert "line 1 pos 7" in text


@pytest.mark.parametrize("option", ["colour => 1", "map('colour', 1)"])
def test_an_unknown_option_is_answered_with_the_known_ones(app: Application, option: str) -> None:
    message = app.error(f"SELECT llm('Ask it', review, {option}) FROM {T}")
    known = ", ".join((*INSTRUCTION_OPTIONS, *common_options()))
    assert f"llm has no option colour: the options are {known}" in message


def test_describe_function_tells_how_it_is_called(app: Application) -> None:
    _, rows = app.table("spark.sql('DESCRIBE FUNCTION EXTENDED llm')")
    assert "Usage: llm(task, column, ... [, option => value, ...])" in str(rows)


def test_the_session_says_that_the_extension_is_there(app: Application) -> None:
    assert app.value("catalyst.is_active(spark)") is True
