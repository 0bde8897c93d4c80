"""Configuration is declared once; the document follows it."""

from pathlib import Path

import pytest

from sparkllm import configuration
from sparkllm.configuration_values import BOOLEAN, ConfigurationError, Key

_DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_document_is_up_to_date() -> None:
    assert _DOCUMENT.read_text() == configuration.document(), "run make docs"


def test_every_default_is_valid() -> None:
    configuration.check({key.name: key.default for key in configuration.declared()})


def test_keys_are_named_by_area_in_camel_case() -> None:
    for key in configuration.declared():
        assert key.name.startswith("spark.sparkllm.")
        assert "_" not in key.name
        assert key.scope in ("session", "startup")
        assert key.kind is not BOOLEAN or key.name.endswith(".enabled")


def test_an_unknown_key_names_the_one_that_was_meant() -> None:
    with pytest.raises(ConfigurationError, match=r"did you mean spark\.sparkllm\.engine\.threads"):
        configuration.check({"spark.sparkllm.engine.thread": "2"})


def test_keys_of_others_are_left_alone() -> None:
    configuration.check({"spark.executor.memory": "lots"})


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (configuration.ENGINE_THREADS, "two"),
        (configuration.ENGINE_THREADS, "-1"),
        (configuration.ENGINE_CACHE_BYTES, "1x"),
        (configuration.ENGINE_IDLE_TIMEOUT, "soon"),
        (configuration.PROGRESS_ENABLED, "yes"),
    ],
)
def test_a_wrong_value_is_named_with_its_key(key: Key[object], text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{key.name} = '{text}' is not valid"):
        key.value({key.name: text}.get)


@pytest.mark.parametrize(
    ("text", "wanted"), [("1g", 2**30), ("512m", 2**29), ("64 k", 2**16), ("100", 100), ("2b", 2)]
)
def test_bytes_have_the_units_of_spark(text: str, wanted: int) -> None:
    key = configuration.ENGINE_CACHE_BYTES
    assert key.value({key.name: text}.get) == wanted


@pytest.mark.parametrize(("text", "wanted"), [("500ms", 0.5), ("30s", 30), ("10min", 600)])
def test_durations_have_the_units_of_spark(text: str, wanted: float) -> None:
    key = configuration.ENGINE_IDLE_TIMEOUT
    assert key.value({key.name: text}.get) == wanted
