"""What is dear to find out about files of models, written down in the user's cache folder."""

import os
import time
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

_FORGET_SECONDS = 90 * 86400


class Notes:
    """Texts of one kind by what they are about. Where none can be kept, none is found.

    Args:
        kind: names what is noted; it is part of file names.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def read(self, about: str) -> str | None:
        """Return what was noted, None for nothing."""
        path = self._path(about)
        try:
            os.utime(path)
            return path.read_text()
        except OSError:
            return None

    def write(self, about: str, text: str) -> None:
        """Note a text, and forget those that nobody has read for 90 days."""
        path = self._path(about)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            for other in path.parent.glob(f"*.{self._kind}"):
                if time.time() - other.stat().st_mtime > _FORGET_SECONDS:
                    other.unlink(missing_ok=True)
            draft = path.with_suffix(f".{os.getpid()}")
            draft.write_text(text)
            draft.replace(path)
        except OSError:
            return

    def remove(self, about: str) -> None:
        """Forget what was noted."""
        with suppress(OSError):
            self._path(about).unlink(missing_ok=True)

    def _path(self, about: str) -> Path:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        name = blake2b(about.encode(), digest_size=16).hexdigest()
        return cache / "sparkllm" / "fingerprints" / f"{name}.{self._kind}"
