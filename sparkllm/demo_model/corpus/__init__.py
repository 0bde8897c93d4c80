"""What the model learns from: labelled rows, written reviews, and their prompts."""

from sparkllm.demo_model.corpus.example import Example
from sparkllm.demo_model.corpus.mixture import training_examples

__all__ = ["Example", "training_examples"]
