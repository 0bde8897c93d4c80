"""What tells one model's weights from another's."""

import json
from hashlib import blake2b
from pathlib import Path

from sparkllm_engine.store.notes import Notes

_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".gguf")
_TOKENIZER = (".json", ".model", ".txt", ".jinja", ".tiktoken")
_DETERMINING = frozenset(_WEIGHTS + _TOKENIZER)
_CHUNK = 1 << 22
_FINGERPRINTS = Notes("fingerprint")


def model_fingerprint(model: str) -> str:
    """Return a digest of a model's weights, configuration and tokenizer.

    Args:
        model: a folder, whose files are read (again only when their size or time changed), or a
            Hugging Face id, of which the commit in the cache is taken.
    """
    folder = Path(model)
    if folder.is_dir():
        return _folder_digest(folder.resolve())
    snapshot = _snapshot(model)
    return f"{model}@{snapshot.name if snapshot else ''}"


def model_files(model: str) -> list[tuple[str, int, int]]:
    """Return path, bytes and time of change of the files that determine a model's answers.

    There are none when the model is neither a folder nor in the cache of Hugging Face.
    """
    folder = Path(model)
    if folder.is_dir():
        return _states(_determining(folder.resolve()))
    snapshot = _snapshot(model)
    return _states(_determining(snapshot)) if snapshot else []


def _snapshot(model: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    try:
        path = try_to_load_from_cache(model, "config.json")
    except ValueError:  # no id of Hugging Face
        return None
    return Path(path).parent if isinstance(path, str) else None


def _determining(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in _DETERMINING)


def _states(files: list[Path]) -> list[tuple[str, int, int]]:
    return [(str(path), (status := path.stat()).st_size, status.st_mtime_ns) for path in files]


def _folder_digest(folder: Path) -> str:
    files = _determining(folder)
    known_by = json.dumps(_states(files))
    noted = _FINGERPRINTS.read(known_by)
    if noted is not None:
        return noted
    digest = blake2b(digest_size=16)
    for path in files:
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    _FINGERPRINTS.write(known_by, digest.hexdigest())
    return digest.hexdigest()
