"""A process that died leaves word of what it was working on, and blames nobody for long."""

import os
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparkllm_engine.request import Request
from sparkllm_engine.server.company import Candidate, Company
from sparkllm_engine.server.journal import Journal, Legacy, read_legacy
from sparkllm_engine.store.frames import KEY_BYTES


def key(number: int) -> bytes:
    return number.to_bytes(KEY_BYTES, "little")


def test_requests_that_were_in_the_engine_are_suspected(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", Legacy())
    journal.entered(map(key, range(4)))
    journal.left([key(1), key(2)])
    assert read_legacy(tmp_path / "j") == Legacy({key(0): 1, key(3): 1}, {})


def test_one_that_was_alone_and_suspected_before_is_quarantined(tmp_path: Path) -> None:
    path = tmp_path / "j"
    Journal(path, Legacy()).entered([key(0)])
    assert read_legacy(path) == Legacy({key(0): 1}, {})
    Journal(path, read_legacy(path)).entered([key(0)])
    assert read_legacy(path) == Legacy({}, {key(0): 2})
    Journal(path, read_legacy(path))
    assert read_legacy(path) == Legacy({}, {key(0): 2})


def test_one_that_was_answered_is_suspected_no_more(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", Legacy({key(0): 1, key(1): 2}))
    journal.entered([key(0)])
    journal.left([key(0)])
    assert read_legacy(tmp_path / "j") == Legacy({key(1): 2}, {})


def test_a_record_that_was_not_written_whole_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "j"
    Journal(path, Legacy()).entered([key(0), key(1)])
    path.write_bytes(path.read_bytes()[:-1])
    assert read_legacy(path) == Legacy({key(0): 1}, {})


def test_without_a_file_nothing_is_known(tmp_path: Path) -> None:
    assert read_legacy(tmp_path / "missing") == Legacy()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")  # noqa: PTH110
def test_a_full_disk_costs_the_journal_only(tmp_path: Path) -> None:
    (tmp_path / "j.draft").symlink_to("/dev/full")
    journal = Journal(tmp_path / "j", Legacy({key(0): 1}))
    journal.entered([key(1)])
    journal.left([key(1)])
    assert read_legacy(tmp_path / "j") == Legacy()


def test_it_stays_small_however_many_requests_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sparkllm_engine.server.journal._REWRITE_BYTES", 1000)
    journal = Journal(tmp_path / "j", Legacy({key(9_999): 1}))
    journal.entered([key(10_000)])
    for number in range(1000):
        journal.entered([key(number)])
        journal.left([key(number)])
    assert (tmp_path / "j").stat().st_size < 1000 + 3 * (KEY_BYTES + 2)
    assert read_legacy(tmp_path / "j").deaths == {key(9_999): 1, key(10_000): 1}


@settings(max_examples=25)
@given(
    st.sets(st.integers(0, 999), max_size=3),
    st.integers(1, 1000),
    st.lists(st.integers(1, 600), max_size=5),
)
def test_exactly_those_that_break_the_engine_are_found_and_all_others_answered(
    bad: set[int], count: int, bursts: list[int]
) -> None:
    """The engine fails whenever a bad request is in it, as `EngineLoop` has it fail."""
    company = Company({})
    arriving = iter(range(count))
    inside: list[Candidate] = []
    entered: Counter[int] = Counter()
    answered, found = set(), set()
    for burst in [*bursts, count]:
        new = list(islice(arriving, burst))
        company.wait([Candidate(Request(number, ()), key(number)) for number in new])
        while company or inside:
            entering = company.next(len(inside), lambda _: True)
            entered.update(one.request.id for one in entering)
            inside += entering
            assert inside
            if not any(one.request.id in bad for one in inside):
                answered |= {one.request.id for one in inside}
                company.clear(one.key for one in inside)
            elif len(inside) == 1:
                found.add(inside[0].request.id)
            else:
                company.suspect(inside)
            inside = []
    assert found == {number for number in bad if number < count}
    assert answered == set(range(count)) - found
    assert max(entered.values(), default=0) <= 3
