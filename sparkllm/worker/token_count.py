"""In the place of the engine's exchange: counts the tokens of texts, and calls no model."""

from functools import cache
from pathlib import Path

import pyarrow as pa
from tokenizers import Tokenizer

from sparkllm.tasks import CallError
from sparkllm.worker.ready import ReadyAnswers, ReadyExchange


class TokenCountExchange(ReadyExchange):
    """Takes windows of texts as `client.Exchange` does; the answer to a text is its token count.

    Args:
        model: Hugging Face id or local path of the model whose tokenizer counts.
    """

    def __init__(self, model: str) -> None:
        self._model = model

    def submit(self, prompts: pa.Array) -> ReadyAnswers:
        """Count the tokens of `prompts`, `list<dictionary<int32, utf8>>` of one piece each.

        Raises:
            CallError: the model has no tokenizer file.
        """
        texts = ["".join(pieces) for pieces in prompts.to_pylist()]
        encoded = _tokenizer(self._model).encode_batch_fast(texts, add_special_tokens=False)
        counts = [str(len(encoding.ids)) for encoding in encoded]
        columns = {"text": counts, "finish_reason": ["stop"] * len(counts)}
        return ReadyAnswers(
            len(counts), {name: pa.array(values, pa.utf8()) for name, values in columns.items()}
        )


@cache
def _tokenizer(model: str) -> Tokenizer:
    """Return the model's tokenizer, which reads every text as plain text."""
    try:
        if Path(model).is_dir():
            tokenizer = Tokenizer.from_file(str(Path(model, "tokenizer.json")))
        else:
            tokenizer = Tokenizer.from_pretrained(model)
    except Exception as error:
        raise CallError(
            f"tokens can't be counted: model {model!r} has no tokenizer.json that can be read"
            f" ({error}): set spark.sparkllm.model to one that has"
        ) from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return tokenizer
