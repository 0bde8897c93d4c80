"""From logits to answers: drawing tokens, scoring closed answer sets, following grammars."""

from sparkllm_engine.decoding.choices import Branch, ChoiceTree
from sparkllm_engine.decoding.grammar import Grammar, GrammarCompiler, GrammarError
from sparkllm_engine.decoding.sampling import Draw, draw_tokens

__all__ = [
    "Branch",
    "ChoiceTree",
    "Draw",
    "Grammar",
    "GrammarCompiler",
    "GrammarError",
    "draw_tokens",
]
