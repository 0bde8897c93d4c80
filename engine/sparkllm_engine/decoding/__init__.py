"""From logits to answers: drawing tokens, scoring closed answer sets."""

from sparkllm_engine.decoding.choices import Branch, ChoiceTree
from sparkllm_engine.decoding.sampling import Draw, draw_tokens

__all__ = ["Branch", "ChoiceTree", "Draw", "draw_tokens"]
