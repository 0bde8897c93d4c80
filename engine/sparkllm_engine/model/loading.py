"""Loading a decoder through transformers, or saying in one sentence why not."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    PreTrainedModel,
)

from sparkllm_engine.config import EngineConfig
from sparkllm_engine.errors import EngineConfigError
from sparkllm_engine.model.probe import Probe, probe_model

_DTYPES = {"bfloat16": torch.bfloat16, "float32": torch.float32}


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that the engine can serve.

    Attributes:
        model: in evaluation mode, on its device.
        tokenizer: as transformers loads it.
        probe: shapes of its keys and values.
        end_tokens: token ids that end an answer.
        context_length: tokens of prompt and answer together.
    """

    model: PreTrainedModel
    tokenizer: Any
    probe: Probe
    end_tokens: frozenset[int]
    context_length: int


@dataclass(frozen=True, slots=True)
class Source:
    """A model that was found, and how to load it.

    Attributes:
        name: Hugging Face id or local path.
        config: of transformers.
        device: where it will compute.
        dtype: of its weights.
    """

    name: str
    config: Any
    device: torch.device
    dtype: torch.dtype

    def load(self, auto: Any, kind: str, attention: str | None = None) -> PreTrainedModel:
        """Return the model in evaluation mode, on its device.

        Args:
            auto: a class of transformers such as `AutoModelForCausalLM`.
            kind: what that makes of it, for people.
            attention: implementation by transformers' name, None for its choice.

        Raises:
            EngineConfigError: it can't be loaded as that.
        """
        try:
            model = auto.from_pretrained(
                self.name,
                config=self.config,
                dtype=self.dtype,
                attn_implementation=attention,
                **_only_local(self.name),
            )
        except Exception as error:
            raise EngineConfigError(
                f"model '{self.name}' ({self.config.model_type}) can't be loaded as {kind}: {error}"
            ) from error
        loaded: PreTrainedModel = model.to(self.device).eval().requires_grad_(False)
        return loaded

    def tokenizer(self) -> Any:
        """Return the tokenizer as transformers loads it.

        Raises:
            EngineConfigError: there is none.
        """
        try:
            return AutoTokenizer.from_pretrained(self.name, **_only_local(self.name))
        except Exception as error:
            raise EngineConfigError(
                f"model '{self.name}' has no usable tokenizer: {error}"
            ) from error


def find_model(config: EngineConfig) -> Source:
    """Look a model up.

    Raises:
        EngineConfigError: it is not found, or the device can't be used.
    """
    name = config.model
    try:
        model_config = AutoConfig.from_pretrained(name, **_only_local(name))
    except (OSError, ValueError, KeyError) as error:
        raise EngineConfigError(_why_not_found(name, error)) from error
    device = _device(config)
    return Source(name, model_config, device, _dtype(config, device))


def load_model(config: EngineConfig) -> LoadedModel:
    """Load model and tokenizer and check that the engine can serve them.

    Raises:
        EngineConfigError: not found, not a decoder, an architecture the engine can't serve, or
            a length beyond the model's context.
    """
    source = find_model(config)
    if source.config.is_encoder_decoder:
        raise EngineConfigError(
            f"model '{config.model}' is not a decoder but {source.config.model_type}"
        )
    model = source.load(AutoModelForCausalLM, "a decoder", "eager")
    tokenizer = source.tokenizer()
    with torch.inference_mode():
        probe = probe_model(model)
    return LoadedModel(
        model=model,
        tokenizer=tokenizer,
        probe=probe,
        end_tokens=_end_tokens(model, tokenizer),
        context_length=_context_length(config, source.config),
    )


def _only_local(name: str) -> dict[str, Any]:
    return {"local_files_only": True} if Path(name).is_dir() else {}


def _why_not_found(name: str, error: Exception) -> str:
    if Path(name).is_dir():
        return f"model '{name}' can't be read: {error}"
    return (
        f"model '{name}' was not found: it is neither a local folder nor a Hugging Face model that"
        " is cached or can be downloaded from here"
    )


def _device(config: EngineConfig) -> torch.device:
    name = config.device
    if name == "auto":
        on_gpu = torch.cuda.is_available() and config.quantization == "none"
        name = "cuda" if on_gpu else "cpu"
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise EngineConfigError(f"device '{config.device}' can't be used: {error}") from error
    return device


def _dtype(config: EngineConfig, device: torch.device) -> torch.dtype:
    if config.dtype != "auto":
        return _DTYPES[config.dtype]
    if device.type != "cpu":
        return torch.bfloat16
    abilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    native = abilities.get("avx512_bf16") or abilities.get("amx_bf16")
    return torch.bfloat16 if native else torch.float32


def _end_tokens(model: PreTrainedModel, tokenizer: Any) -> frozenset[int]:
    generation: GenerationConfig | None = model.generation_config
    configured = generation.eos_token_id if generation is not None else None
    if configured is None:
        configured = tokenizer.eos_token_id
    if configured is None:
        return frozenset()
    tokens = configured if isinstance(configured, list) else [configured]
    return frozenset(int(token) for token in tokens)


def _context_length(config: EngineConfig, model_config: Any) -> int:
    text_config = model_config.get_text_config(decoder=True)
    own = getattr(text_config, "max_position_embeddings", None) or 2048
    if config.max_model_length > own:
        raise EngineConfigError(
            f"max_model_length is {config.max_model_length}, but the context of model"
            f" '{config.model}' is {own} tokens: lower it, or 0 for the most there is"
        )
    return int(config.max_model_length or own)
