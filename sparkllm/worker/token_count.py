"""In the place of the engine's exchange: counts the tokens of texts, and calls no model."""

from functools import cache
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
from tokenizers import Tokenizer

from sparkllm.tasks import CallError
from sparkllm_engine.server.protocol import RESULT_SCHEMA


class TokenCountExchange:
    """Takes windows of texts as `client.Exchange` does; the answer to a text is its token count.

    Args:
        model: Hugging Face id or local path of the model whose tokenizer counts.
    """

    def __init__(self, model: str) -> None:
        self._model = model

    def __enter__(self) -> "TokenCountExchange":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return

    def submit(self, prompts: pa.Array) -> "Counted":
        """Count the tokens of `prompts`, `list<dictionary<int32, utf8>>` of one piece each.

        Raises:
            CallError: the model has no tokenizer file.
        """
        texts = ["".join(pieces) for pieces in prompts.to_pylist()]
        encoded = _tokenizer(self._model).encode_batch_fast(texts, add_special_tokens=False)
        return Counted([len(encoding.ids) for encoding in encoded])


class Counted:
    """Token counts, in the form of the engine's answers: there at once, and no call was made."""

    finished = 0.0

    def __init__(self, counts: list[int]) -> None:
        self.rows = len(counts)
        self.answered = self.rows
        self._counts = counts

    def wait(self, seconds: float) -> bool:
        """Return that everything is counted."""
        return True

    def result(self) -> pa.Table:
        """Return one row for each text, as `Pending.result`."""
        known = {
            "id": pa.array(np.arange(self.rows)),
            "text": pa.array([str(count) for count in self._counts], pa.utf8()),
            "finish_reason": pa.array(["stop"] * self.rows, pa.utf8()),
            "reused": pa.array(np.ones(self.rows, bool)),
        }
        columns = [
            known.get(field.name, pa.nulls(self.rows, field.type)) for field in RESULT_SCHEMA
        ]
        return pa.Table.from_arrays(columns, schema=RESULT_SCHEMA)


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
