"""The model that ships: complete, small, loadable, and right about plain sentences."""

import json
import subprocess
import sys
from math import prod

import pytest
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from sparkllm.demo_model import path
from sparkllm.demo_model.corpus.example import Example
from sparkllm.demo_model.corpus.rendering import user_message
from sparkllm.demo_model.evaluation import Answerer
from sparkllm.tasks import Call

PLAIN_REVIEWS = {
    "positive": (
        "I love this lamp, it is beautiful and works perfectly.",
        "Excellent quality, very happy with my purchase!",
        "The best headphones I have ever had. Highly recommended.",
        "Great product and fast delivery, thank you.",
        "My kids play with it every day, wonderful toy.",
        "Comfortable, sturdy and easy to clean. Would buy again.",
    ),
    "negative": (
        "It broke after two days. Terrible quality.",
        "Very disappointed, it does not work at all.",
        "Waste of money. I returned it and want a refund.",
        "The worst kettle I have ever bought, it leaks everywhere.",
        "Arrived damaged and customer service never answered.",
        "Awful smell, poor quality, do not buy this.",
    ),
}


@pytest.fixture(scope="module")
def answerer() -> Answerer:
    return Answerer(path(), threads=2)


def test_the_package_finds_its_model_without_loading_torch() -> None:
    program = "import sys, sparkllm.demo_model as m; m.path(); sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_weights_are_at_most_25_megabytes_and_12_million_parameters() -> None:
    file = path() / "model.safetensors"
    assert file.stat().st_size <= 25e6
    with safe_open(file, "pt") as weights:
        shapes = [weights.get_slice(name).get_shape() for name in weights.keys()]  # noqa: SIM118
    assert sum(map(prod, shapes)) <= 12e6


def test_transformers_loads_the_model_with_tied_weights_and_grouped_queries() -> None:
    model = AutoModelForCausalLM.from_pretrained(path())
    configuration = model.config
    assert configuration.num_key_value_heads < configuration.num_attention_heads
    assert configuration.max_position_embeddings >= 2048
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight


def test_generation_stops_at_the_end_token() -> None:
    tokenizer = AutoTokenizer.from_pretrained(path())
    generation = GenerationConfig.from_pretrained(path())
    assert tokenizer.convert_ids_to_tokens(generation.eos_token_id) == "<|end|>"


def test_the_configuration_names_no_path_of_the_machine_it_was_made_on() -> None:
    for file in path().glob("*config.json"):
        assert "name_or_path" not in json.loads(file.read_text()) or "/" not in file.read_text()


@pytest.mark.parametrize("column", ["review", "text"])
@pytest.mark.parametrize("sentiment", PLAIN_REVIEWS)
def test_plain_reviews_are_classified_right(
    answerer: Answerer, sentiment: str, column: str
) -> None:
    examples = [_classify(column, text) for text in PLAIN_REVIEWS[sentiment]]
    assert answerer.answers(examples) == [sentiment] * len(examples)


def _classify(column: str, text: str) -> Example:
    pieces, choices = user_message(Call("classify", (column,)), {column: text})
    return Example("test", pieces, "", choices)
