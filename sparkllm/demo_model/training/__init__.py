"""The training loop and its parts."""

from sparkllm.demo_model.training.loop import Limit, Recipe, Trainer

__all__ = ["Limit", "Recipe", "Trainer"]
