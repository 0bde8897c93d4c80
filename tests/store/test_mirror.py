"""A store on another filesystem: what one machine uploads, the other one finds.

The other filesystem is pyarrow's in-memory mock, whose writes are not atomic, as those of HDFS.
"""

from pathlib import Path
from typing import Any

import pytest
from pyarrow import fs

from sparkllm_engine.store.journal import Journal
from sparkllm_engine.store.location import Location
from sparkllm_engine.store.mirror import Mirror
from sparkllm_engine.store.names import SEGMENT
from sparkllm_engine.store.reader import StoreReader
from tests.store.answers import key


@pytest.fixture
def remote(tmp_path: Path) -> Location:
    location = Location(str(tmp_path))
    location._files, location._root = fs._MockFileSystem(), "store"
    location.make()
    return location


def found(directory: Path, name: object) -> Any:
    reader = StoreReader(directory)
    reader.refresh()
    value = reader.find([key(name)]).get(key(name))
    reader.close()
    return value


def test_answers_of_one_machine_are_found_on_another(remote: Location, tmp_path: Path) -> None:
    machines = [tmp_path / name for name in ("one", "other")]
    mirrors = []
    for machine in machines:
        machine.mkdir()
        mirrors.append(Mirror(remote, machine))
    journal = Journal(machines[0])
    journal.append([(key("a"), b"answer")])
    journal.seal()
    for _ in range(2):
        for mirror in mirrors:
            mirror.push()
            mirror.pull()
    assert found(machines[1], "a") == b"answer"
    assert len(remote.files()) == 1


def test_what_is_removed_there_is_removed_here(remote: Location, tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([(key("a"), b"answer")])
    journal.seal()
    mirror = Mirror(remote, tmp_path)
    mirror.push()
    (file,) = remote.files()
    remote.remove(file.name)
    mirror.pull()
    assert found(tmp_path, "a") is None
    mirror.push()
    assert remote.files() == []


def test_an_upload_that_fails_leaves_no_file_that_others_see(
    remote: Location, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path)
    journal.append([(key("a"), b"answer")])
    journal.seal()
    mirror = Mirror(remote, tmp_path)

    class Broken:
        """Fails when the file is to be moved to its name."""

        def __getattr__(self, name: str) -> Any:
            if name == "move":
                raise OSError("the network is gone")
            return getattr(working, name)

    working, remote._files = remote._files, Broken()
    with pytest.raises(OSError, match="the network is gone"):
        mirror.push()
    assert [info.path for info in working.get_file_info(fs.FileSelector("store"))] == []
    remote._files = working
    mirror.push()
    assert [file.name.endswith(SEGMENT) for file in remote.files()] == [True]
