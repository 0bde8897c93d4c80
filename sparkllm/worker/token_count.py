"""In the place of the engine's exchange: counts the tokens of texts, and calls no model."""

import pyarrow as pa

from sparkllm.worker.model_files import tokenizer_of
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
        encoded = tokenizer_of(self._model).encode_batch_fast(texts, add_special_tokens=False)
        counts = [str(len(encoding.ids)) for encoding in encoded]
        columns = {"text": counts, "finish_reason": ["stop"] * len(counts)}
        return ReadyAnswers(
            len(counts), {name: pa.array(values, pa.utf8()) for name, values in columns.items()}
        )
