"""A store on another filesystem, and the directory of this machine that copies it.

What this machine writes goes into the directory first and is uploaded a little later; what others
have uploaded is copied. So reading never waits for the network, and the end of a process costs
nothing: the next one on this machine uploads what it left.
"""

from contextlib import suppress
from pathlib import Path

from sparkllm_engine.store.location import Location
from sparkllm_engine.store.names import DRAFT, SEGMENT, adopt

_MARK = ".uploaded"


class Mirror:
    """Keeps a directory and a location alike. One thread at a time."""

    def __init__(self, location: Location, directory: Path) -> None:
        self._location = location
        self._directory = directory

    def push(self) -> None:
        """Upload the segments that are not there yet.

        Raises:
            OSError: the location can't be written.
        """
        adopt(self._directory)
        for segment in self._directory.glob(f"*{SEGMENT}"):
            mark = segment.with_suffix(_MARK)
            if mark.exists():
                continue
            with suppress(FileNotFoundError):
                self._location.publish(segment.read_bytes(), segment.name)
                mark.touch()

    def pull(self) -> None:
        """Copy segments that others have uploaded, and remove those that are there no more.

        Raises:
            OSError: the location can't be read, or the directory can't be written.
        """
        there = {file.name for file in self._location.files()}
        uploaded = {mark.stem + SEGMENT for mark in self._directory.glob(f"*{_MARK}")}
        for name in sorted(there - uploaded):
            path = self._directory / name
            draft = path.with_suffix(DRAFT)
            try:
                draft.write_bytes(self._location.read(name))
            except FileNotFoundError:  # pruned meanwhile
                continue
            path.with_suffix(_MARK).touch()
            draft.replace(path)
        for name in uploaded - there:
            path = self._directory / name
            path.unlink(missing_ok=True)
            path.with_suffix(_MARK).unlink(missing_ok=True)
