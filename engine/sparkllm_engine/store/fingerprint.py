"""What tells one model's weights from another's."""

import json
import os
import time
from hashlib import blake2b
from pathlib import Path

_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".gguf")
_TOKENIZER = (".json", ".model", ".txt", ".jinja", ".tiktoken")
_DETERMINING = frozenset(_WEIGHTS + _TOKENIZER)
_CHUNK = 1 << 22
_FORGET_SECONDS = 90 * 86400


def model_fingerprint(model: str) -> str:
    """Return a digest of a model's weights, configuration and tokenizer.

    Args:
        model: a folder, whose files are read (again only when their size or time changed), or a
            Hugging Face id, of which the commit in the cache is taken.
    """
    folder = Path(model)
    if folder.is_dir():
        return _folder_digest(folder.resolve())
    return f"{model}@{_commit(model)}"


def _commit(model: str) -> str:
    from huggingface_hub import try_to_load_from_cache

    try:
        path = try_to_load_from_cache(model, "config.json")
    except ValueError:  # no id of Hugging Face
        return ""
    return Path(path).parent.name if isinstance(path, str) else ""


def _folder_digest(folder: Path) -> str:
    files = sorted(path for path in folder.iterdir() if path.suffix in _DETERMINING)
    known_by = json.dumps(
        [(str(path), (status := path.stat()).st_size, status.st_mtime_ns) for path in files]
    )
    noted = _notes() / f"{blake2b(known_by.encode(), digest_size=16).hexdigest()}.fingerprint"
    try:
        os.utime(noted)
        return noted.read_text()
    except OSError:
        digest = blake2b(digest_size=16)
        for path in files:
            digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
        _note(noted, digest.hexdigest())
        return digest.hexdigest()


def _note(noted: Path, fingerprint: str) -> None:
    """Write it down; where that can't be, it is computed again the next time."""
    try:
        noted.parent.mkdir(parents=True, exist_ok=True)
        for other in noted.parent.glob("*.fingerprint"):
            if time.time() - other.stat().st_mtime > _FORGET_SECONDS:
                other.unlink(missing_ok=True)
        draft = noted.with_suffix(f".{os.getpid()}")
        draft.write_text(fingerprint)
        draft.replace(noted)
    except OSError:
        return


def _notes() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME")
    return Path(cache or Path.home() / ".cache", "sparkllm", "fingerprints")
