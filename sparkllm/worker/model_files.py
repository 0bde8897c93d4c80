"""What files of the model tell without loading it: its tokenizer, its context."""

import json
from functools import cache
from pathlib import Path

from huggingface_hub import try_to_load_from_cache
from tokenizers import Tokenizer

from sparkllm.tasks import CallError

_USUAL_CONTEXT = 2048


@cache
def local_tokenizer(model: str) -> Tokenizer | None:
    """Return the model's tokenizer if it is on this machine, None where it would be fetched."""
    folder = Path(model)
    try:
        path = folder / "tokenizer.json"
        if not folder.is_dir():
            path = Path(str(try_to_load_from_cache(model, "tokenizer.json")))
        return _plain(Tokenizer.from_file(str(path)))
    except Exception:  # tokenizers raises nothing narrower
        return None


@cache
def tokenizer_of(model: str) -> Tokenizer:
    """Return the model's tokenizer, which reads every text as plain text.

    Args:
        model: Hugging Face id or local path.

    Raises:
        CallError: the model has no tokenizer file.
    """
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
    return _plain(tokenizer)


def _plain(tokenizer: Tokenizer) -> Tokenizer:
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return tokenizer


@cache
def context_of(model: str) -> int:
    """Return how many tokens of prompt and answer the model takes, as the engine reads it.

    Raises:
        CallError: the model has no configuration file.
    """
    try:
        config = json.loads(file_of(model, "config.json").read_text())
    except Exception as error:
        raise CallError(f"model {model!r} has no config.json that can be read: {error}") from None
    return int(config.get("text_config", config).get("max_position_embeddings") or _USUAL_CONTEXT)


def file_of(model: str, name: str) -> Path:
    """Return a file of the model, which is fetched where the model is not a folder.

    Raises:
        OSError: there is no such file.
    """
    folder = Path(model)
    return folder / name if folder.is_dir() else _downloaded(model, name)


def _downloaded(model: str, name: str) -> Path:
    from huggingface_hub import hf_hub_download

    return Path(hf_hub_download(model, name))
