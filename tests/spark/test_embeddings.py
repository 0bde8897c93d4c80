"""Embeddings and similarities in queries are those of transformers' hidden states."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from numpy.testing import assert_allclose
from pyspark.sql import SparkSession

import sparkllm
from sparkllm import demo_model
from sparkllm.configuration import EMBEDDING_MODEL, ENGINE_IMPLEMENTATION
from sparkllm.functions import llm_embed, llm_similarity
from tests.engine.models import hidden_state, save_encoder

_TEXTS = """(VALUES (1, 'Great dress'), (2, 'Where is my parcel?'), (3, NULL), (4, ''),
    (5, 'Great dress'), (6, repeat('dress ', 5000))) AS t(id, x)"""


@pytest.fixture(scope="module")
def shipped(spark: SparkSession) -> Iterator[SparkSession]:
    spark.conf.set(ENGINE_IMPLEMENTATION.name, ENGINE_IMPLEMENTATION.default)
    yield spark
    spark.conf.set(ENGINE_IMPLEMENTATION.name, "tests.engines:DigestEngine")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_encoder(tmp_path_factory.mktemp("encoder"))


def test_a_text_is_embedded_by_the_last_hidden_state_of_the_sessions_model(
    shipped: SparkSession,
) -> None:
    frame = shipped.sql(f"SELECT id, llm_embed(x, on_error => 'detail') AS e FROM {_TEXTS}")
    assert frame.schema["e"].dataType["value"].dataType.simpleString() == "array<float>"
    great, parcel, null, empty, again, long = (row.e for row in frame.orderBy("id").collect())
    for answer, text in ((great, "Great dress"), (parcel, "Where is my parcel?")):
        wanted = hidden_state(demo_model.path(), text, "last")
        assert sum(a * b for a, b in zip(answer.value, wanted, strict=True)) > 0.999
    assert null is None
    assert again.value == great.value
    assert (empty.value, empty.error.code) == (None, "INVALID_INPUT")
    assert (long.value, long.error.code) == (None, "OVERFLOW")
    last = sparkllm.usage(shipped).last
    # The text that comes twice is asked once, whether its tasks run together or in turn.
    assert (last.calls, last.reused + last.stored) == (4, 1)


def test_a_model_of_its_own_embeds_where_the_call_or_the_session_names_it(
    shipped: SparkSession, encoder: Path
) -> None:
    wanted = hidden_state(encoder, "Great dress", "mean")
    table = shipped.sql(f"SELECT * FROM {_TEXTS}").where("id in (1, 6)").coalesce(1).sort("id")
    named = llm_embed("x", str(encoder), overflow="truncate")
    short, cut = (row[0] for row in table.select(named).collect())
    assert_allclose(short, wanted, atol=0.02)
    assert len(cut) == len(wanted)
    shipped.conf.set(EMBEDDING_MODEL.name, str(encoder))
    try:
        [same, _] = (row[0] for row in table.select(llm_embed("x")).collect())
    finally:
        shipped.conf.unset(EMBEDDING_MODEL.name)
    assert same == short


def test_similarity_is_the_cosine_of_texts_or_of_vectors(
    shipped: SparkSession, encoder: Path
) -> None:
    table = shipped.sql(f"SELECT * FROM {_TEXTS}").where("id < 5").coalesce(1).sort("id")
    said = f"llm_similarity(x, 'Great dress', model => '{encoder}')"
    first, second, null, empty = (row[0] for row in table.selectExpr(said).collect())
    a, b, e = (
        hidden_state(encoder, text, "mean") for text in ("Great dress", "Where is my parcel?", "")
    )
    assert first == pytest.approx(1.0, abs=1e-6)
    assert second == pytest.approx(sum(x * y for x, y in zip(a, b, strict=True)), abs=0.01)
    assert empty == pytest.approx(sum(x * y for x, y in zip(a, e, strict=True)), abs=0.01)
    assert null is None
    vectors = shipped.sql("SELECT array(3, 4) AS a, array(4D, 3D) AS b, array(1F) AS c, '' AS t")
    ab, ac, nothing = vectors.select(
        llm_similarity("a", "b"), llm_similarity("a", "c"), llm_similarity("a", "t")
    ).first()
    assert (ab, ac, nothing) == (pytest.approx(0.96), None, None)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("llm_embed(struct(x, id))", "task embed takes one column"),
        ("llm_embed(x, 'm', 'n')", "llm_embed takes at most 2 arguments"),
        ("llm_embed(x, labels => array('a'))", "task embed has no option labels"),
        ("llm_similarity(x)", "llm_similarity takes two texts or embeddings, not 1"),
        ("llm_similarity(x, x, x)", "llm_similarity takes two texts or embeddings, not 3"),
        ("llm_similarity(x, x, on_error => 'detail')", "ask llm_embed for it"),
        ("llm_count_tokens(struct(x, id))", "task count_tokens takes one column"),
    ],
)
def test_wrong_use_is_an_error_of_the_analyzer(shipped: SparkSession, call: str, says: str) -> None:
    with pytest.raises(Exception, match=says) as caught:
        shipped.sql(f"SELECT {call} FROM {_TEXTS}")
    assert str(caught.value).startswith("[LLM_CALL.")
