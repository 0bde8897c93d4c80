"""Answers at a path outlive the process, whatever ends it, and whatever lies beside them."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sparkllm_engine.store import ResultStore, StoreOptions
from sparkllm_engine.store.journal import Journal
from sparkllm_engine.store.names import JOURNAL, SEGMENT
from tests.store.answers import answer, key

_PATIENCE = 60.0


def opened(path: Path | str, **options: float) -> ResultStore:
    """Return a store at a path that remembers nothing in memory."""
    return ResultStore(StoreOptions(0, str(path), **options))  # type: ignore[arg-type]


def texts(store: ResultStore, names: object) -> list[str | None]:
    """Return the texts of the answers to these names, None where there is none."""
    results = store.get([key(name) for name in names])  # type: ignore[attr-defined]
    return [result.text if result else None for result in results]


def put(store: ResultStore, names: object) -> None:
    """Keep answers, and wait until they are written."""
    store.put([(key(name), answer(name)) for name in names])  # type: ignore[attr-defined]
    assert store.flush(_PATIENCE)


def eventually(is_so: Callable[[], bool]) -> bool:
    """Whether it comes true."""
    end = time.monotonic() + _PATIENCE
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_another_store_at_the_same_path_finds_the_answers_whole(tmp_path: Path) -> None:
    put(opened(tmp_path), range(1000))
    results = opened(tmp_path).get([key(number) for number in range(1000)])
    assert results == [answer(number) for number in range(1000)]


def test_answers_that_another_process_adds_are_found_while_it_runs(tmp_path: Path) -> None:
    reader, writer = opened(tmp_path), opened(tmp_path)
    for number in range(3):
        put(writer, [number])
        assert eventually(lambda number=number: texts(reader, [number]) == [str(number)])


def test_answers_are_found_at_once_by_who_has_put_them(tmp_path: Path) -> None:
    store = opened(tmp_path)
    for number in range(200):
        store.put([(key(number), answer(number))])
        assert texts(store, [number]) == [str(number)]


def test_an_equal_prefix_is_not_taken_for_an_equal_key(tmp_path: Path) -> None:
    one, other, third = (key("same")[:8] + key(name)[8:] for name in range(3))
    store = opened(tmp_path)
    store.put([(one, answer("one")), (other, answer("other"))])
    assert store.flush(_PATIENCE)
    assert store.get([other, third, one]) == [answer("other"), None, answer("one")]


def test_long_answers_come_back(tmp_path: Path) -> None:
    long = {name: answer(str(name) * size) for name, size in enumerate((10, 5000, 100_000, 3))}
    store = opened(tmp_path)
    store.put([(key(name), result) for name, result in long.items()])
    assert store.flush(_PATIENCE)
    assert store.get([key(name) for name in long]) == list(long.values())


WRITER = """
import sys
from sparkllm_engine.store import ResultStore, StoreOptions
from tests.store.answers import answer, key
store = ResultStore(StoreOptions(0, sys.argv[1]))
first = int(sys.argv[2])
for number in range(first, first + 100_000):
    store.put([(key(number), answer(number))])
    if number % 10 == 0:
        store.flush(60)
        print(number, flush=True)
"""


def writer(path: Path, first: int = 0) -> "subprocess.Popen[str]":
    """Start a process that keeps answers, and prints each tenth once it is written."""
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(first)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def test_after_kill_9_in_the_middle_of_writing_all_that_was_written_is_there(
    tmp_path: Path,
) -> None:
    for first in (0, 1_000_000):
        with writer(tmp_path, first) as process:
            assert process.stdout is not None
            for _ in range(30):
                line = process.stdout.readline()
            process.send_signal(signal.SIGKILL)
        last = int(line)
        store = opened(tmp_path)
        written = range(first, last + 1)
        assert texts(store, written) == [str(number) for number in written]
        assert store.problem is None


def test_writers_at_the_same_time_do_not_disturb_each_other(tmp_path: Path) -> None:
    writers = [writer(tmp_path, first) for first in (0, 1_000_000, 2_000_000)]
    written = []
    for number, process in enumerate(writers):
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(10)]
        written += range(1_000_000 * number, int(lines[-1]) + 1)
        process.kill()
        process.wait()
    assert texts(opened(tmp_path), written) == [str(number) for number in written]


def test_a_torn_file_gives_what_was_whole_and_foreign_files_give_nothing(tmp_path: Path) -> None:
    put(opened(tmp_path), range(50))
    put(opened(tmp_path), range(50, 100))
    torn, whole = sorted(tmp_path.glob(f"*{JOURNAL}"))
    if texts(opened(tmp_path), [0]) and key(0) not in torn.read_bytes():
        torn, whole = whole, torn
    os.truncate(torn, torn.stat().st_size - 5)
    (tmp_path / f"foreign{SEGMENT}").write_bytes(b"\x00" * 5000)
    (tmp_path / f"empty{SEGMENT}").touch()
    (tmp_path / f"folder{SEGMENT}").mkdir()
    (tmp_path / "notes.txt").write_text("not ours")
    store = opened(tmp_path)
    assert texts(store, [0, 49]) == [None, None]
    assert texts(store, range(50, 100)) == [str(number) for number in range(50, 100)]
    assert store.problem is None


def test_a_damaged_value_is_not_an_answer(tmp_path: Path) -> None:
    store = opened(tmp_path)
    put(store, ["good text"])
    (journal,) = tmp_path.glob(f"*{JOURNAL}")
    journal.write_bytes(journal.read_bytes().replace(b"good text", b"evil text"))
    assert texts(store, ["good text"]) == [None]
    assert texts(opened(tmp_path), ["good text"]) == [None]


def test_files_that_vanish_are_misses_and_no_error(tmp_path: Path) -> None:
    reader, writing = opened(tmp_path), opened(tmp_path)
    put(writing, ["a"])
    assert eventually(lambda: texts(reader, ["a"]) == ["a"])
    for file in tmp_path.iterdir():
        file.unlink()
    assert eventually(lambda: texts(reader, ["b", "a"]) == [None, None])
    assert reader.problem is None


def test_answers_older_than_the_age_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_ago = time.time() - 3600
    with monkeypatch.context() as then:
        then.setattr("sparkllm_engine.store.journal.time.time", lambda: long_ago)
        put(opened(tmp_path), ["old"])
    put(opened(tmp_path), ["new"])
    assert texts(opened(tmp_path, max_age=60), ["old", "new"]) == [None, "new"]
    assert texts(opened(tmp_path), ["old", "new"]) == ["old", "new"]


def test_a_full_disk_is_a_problem_that_is_told_and_later_frames_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sparkllm_engine.store.persistent._PAUSE_SECONDS", 0.0)
    store = opened(tmp_path)
    put(store, ["before"])
    written = os.write

    def full(descriptor: int, data: bytes) -> int:
        if len(data) > 20:  # a part fits, then nothing
            return written(descriptor, bytes(data[:20]))
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("sparkllm_engine.store.journal.os.write", full)
        put(store, ["lost"])
    assert "No space left on device" in str(store.problem)
    put(store, ["after"])
    assert store.problem is None
    assert texts(opened(tmp_path), ["before", "lost", "after"]) == ["before", None, "after"]


def test_a_path_that_cannot_be_written_is_a_problem_and_no_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("here is no room for a folder")
    for path in (blocked / "store", "nosuchscheme://bucket/store"):
        store = ResultStore(StoreOptions(1 << 20, str(path)))
        assert store.problem is not None
        store.put([(key("a"), answer("a"))])
        assert texts(store, ["a", "b"]) == ["a", None]  # the memory works nevertheless


def test_the_same_name_is_never_given_twice_and_a_journal_becomes_a_segment(tmp_path: Path) -> None:
    journals = [Journal(tmp_path) for _ in range(5)]
    for number, journal in enumerate(journals):
        journal.append([(key(number), b"value")])
    assert len({journal.name for journal in journals}) == 5
    sealed = [journal.seal() for journal in journals]
    assert len({path for path in sealed if path and path.suffix == SEGMENT}) == 5
