"""The functions of sparkllm for the DataFrame API, named as in SQL."""

from typing import Any

from sparkllm.functions.conditions import llm_filter, llm_score
from sparkllm.functions.embeddings import llm_embed, llm_similarity
from sparkllm.functions.extraction import llm_extract
from sparkllm.functions.groups import llm_agg, llm_summarize_agg
from sparkllm.functions.labels import llm_classify, llm_sentiment
from sparkllm.functions.llm import llm
from sparkllm.functions.signature import Signature
from sparkllm.functions.texts import (
    llm_fix_grammar,
    llm_generate,
    llm_mask,
    llm_summarize,
    llm_translate,
)
from sparkllm.functions.tokens import llm_count_tokens

__all__ = [
    "llm",
    "llm_agg",
    "llm_classify",
    "llm_count_tokens",
    "llm_embed",
    "llm_extract",
    "llm_filter",
    "llm_fix_grammar",
    "llm_generate",
    "llm_mask",
    "llm_score",
    "llm_sentiment",
    "llm_similarity",
    "llm_summarize",
    "llm_summarize_agg",
    "llm_translate",
]

SIGNATURES = (
    Signature(llm, ""),
    Signature(llm_classify, "classify", ("labels",)),
    Signature(llm_filter, "filter", instructed=True),
    Signature(llm_score, "score", instructed=True),
    Signature(llm_extract, "extract", ("fields",)),
    Signature(llm_sentiment, "sentiment", ("aspects",)),
    Signature(llm_summarize, "summarize", ("max_words",)),
    Signature(llm_translate, "translate", ("language",)),
    Signature(llm_fix_grammar, "fix_grammar"),
    Signature(llm_mask, "mask", ("entities",)),
    Signature(llm_generate, "generate"),
    Signature(llm_agg, "agg", ("instruction",)),
    Signature(llm_summarize_agg, "summarize_agg", ("max_words",)),
    Signature(llm_embed, "embed", ("model",)),
    Signature(llm_similarity, "embed", paired=True),
    Signature(llm_count_tokens, "count_tokens"),
)


def declared() -> list[dict[str, Any]]:
    """Return what the Catalyst extension is told of each function for a single task."""
    return [signature.declaration() for signature in SIGNATURES if signature.task]
