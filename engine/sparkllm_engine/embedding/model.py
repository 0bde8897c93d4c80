"""Loading a model that embeds texts through transformers, as sentence-transformers saves it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from transformers import AutoModel, PreTrainedModel
from transformers.utils import cached_file

from sparkllm_engine.config import EngineConfig
from sparkllm_engine.errors import EngineConfigError
from sparkllm_engine.model.loading import Source, find_model
from sparkllm_engine.tokenization import PromptTokenizer

_POOLINGS: Final = {
    "pooling_mode_cls_token": "first",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_lasttoken": "last",
}
_KNOWN_MODULES = ("Transformer", "Pooling", "Normalize")


@dataclass(frozen=True, slots=True)
class Embedder:
    """A model that embeds texts.

    Attributes:
        model: without a head, in evaluation mode, on its device.
        tokenizer: of the model.
        pooling: what of a text's hidden states is its embedding: their `mean`, or that of the
            `first` or the `last` token.
        padding: token id behind the end of shorter texts; it is not attended.
        most_tokens: of one text.
    """

    model: PreTrainedModel
    tokenizer: PromptTokenizer
    pooling: str
    padding: int
    most_tokens: int

    @torch.inference_mode()
    def pooled(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Return one hidden state for each text, `[texts, hidden]`.

        Args:
            ids: token ids with padding at the end, `[texts, longest]`.
            lengths: tokens of each text, `[texts]`.
        """
        device = self.model.device
        ids, lengths = ids.to(device), lengths.to(device)
        mask = torch.arange(ids.shape[1], device=device) < lengths[:, None]
        states: Tensor = self.model(
            input_ids=ids, attention_mask=mask.long()
        ).last_hidden_state.float()
        match self.pooling:
            case "first":
                return states[:, 0]
            case "last":
                return states[torch.arange(len(ids), device=device), lengths - 1]
            case _:
                return (states * mask[:, :, None]).sum(1) / lengths[:, None]


def load_embedder(config: EngineConfig) -> Embedder:
    """Load a model, and how its hidden states become embeddings: by their mean if it doesn't say.

    Raises:
        EngineConfigError: not found, or nothing that gives embeddings.
    """
    source = find_model(config)
    name = config.model
    if source.config.is_encoder_decoder:
        raise EngineConfigError(
            f"model '{name}' ({source.config.model_type}) has an encoder and a decoder: give one"
            " with either"
        )
    pooling = _pooling(source)
    model = source.load(AutoModel, "an embedding model")
    tokenizer = source.tokenizer()
    most = _most_tokens(model, tokenizer, source.config)
    if config.max_model_length > most:
        raise EngineConfigError(
            f"max_model_length is {config.max_model_length}, but model '{name}' takes {most} tokens"
            ": lower it, or 0 for the most there is"
        )
    return Embedder(
        model=model,
        tokenizer=PromptTokenizer(tokenizer),
        pooling=pooling,
        padding=tokenizer.pad_token_id or 0,
        most_tokens=config.max_model_length or most,
    )


def _pooling(source: Source) -> str:
    """Return the pooling that the model's files name, `mean` without any."""
    modules = _json(source, "modules.json") or []
    for module in modules:
        kind = str(module.get("type", "")).rpartition(".")[2]
        if kind not in _KNOWN_MODULES:
            raise EngineConfigError(
                f"model '{source.name}' has a module {kind}, which is not known here: give one with"
                f" no others than {', '.join(_KNOWN_MODULES)}"
            )
    folders = [str(module["path"]) for module in modules if "Pooling" in str(module.get("type"))]
    body = _json(source, f"{folders[0]}/config.json") if folders else None
    if body is None:
        return "mean"
    wanted = [key for key, value in body.items() if key.startswith("pooling_mode_") and value]
    if len(wanted) != 1 or wanted[0] not in _POOLINGS:
        raise EngineConfigError(
            f"model '{source.name}' pools by {' and '.join(wanted) or 'nothing'}: give one that"
            " takes the mean, the first or the last token"
        )
    return _POOLINGS[wanted[0]]


def _json(source: Source, file: str) -> Any:
    folder = Path(source.name)
    if folder.is_dir():
        path: Path | None = folder / file if (folder / file).is_file() else None
    else:
        found = cached_file(source.name, file, _raise_exceptions_for_missing_entries=False)
        path = Path(found) if isinstance(found, str) else None
    try:
        return json.loads(path.read_text()) if path else None
    except (OSError, ValueError) as error:
        raise EngineConfigError(
            f"{file} of model '{source.name}' can't be read: {error}"
        ) from error


def _most_tokens(model: PreTrainedModel, tokenizer: Any, config: Any) -> int:
    """Return how long a text may be by the model's positions and by its tokenizer."""
    own = getattr(config.get_text_config(), "max_position_embeddings", None) or 512
    for name, module in model.named_modules():
        # RoBERTa and its kin count positions from behind the padding's.
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
            before = 0 if module.padding_idx is None else module.padding_idx + 1
            own = min(own, module.num_embeddings - before)
    return int(min(own, tokenizer.model_max_length))
