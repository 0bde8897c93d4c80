"""Any decoder of transformers on packed tokens, with attention on the slots of the pool."""

from sparkllm_engine.model.decoder import Decoder, RowLogits
from sparkllm_engine.model.loading import LoadedModel, load_model
from sparkllm_engine.model.packing import PackedRow
from sparkllm_engine.model.pool import DISCARD_SLOT

__all__ = ["DISCARD_SLOT", "Decoder", "LoadedModel", "PackedRow", "RowLogits", "load_model"]
