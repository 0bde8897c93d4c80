"""The index finds every record of a prefix, and none of another one or of a file that is gone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sparkllm_engine.store.index import Index

batches = st.lists(
    st.tuples(st.integers(0, 3), st.lists(st.tuples(st.integers(0, 20), st.integers(0, 99)))),
    max_size=12,
)


@given(batches, st.lists(st.integers(0, 25)), st.sets(st.integers(0, 3)))
def test_it_finds_what_a_list_of_all_records_has(
    added: list[tuple[int, list[tuple[int, int]]]], asked: list[int], gone: set[int]
) -> None:
    index = Index()
    for file, records in added:
        index.add(
            file,
            np.array([prefix for prefix, _ in records], np.uint64),
            np.array([position for _, position in records], np.int64),
        )
    index.drop(gone)
    found = [
        (int(which), int(file), int(position))
        for places, files, positions in index.find(np.array(asked, np.uint64))
        for which, file, position in zip(places, files, positions, strict=True)
    ]
    expected = [
        (which, file, position)
        for which, prefix in enumerate(asked)
        for file, records in added
        for other, position in records
        if other == prefix and file not in gone
    ]
    assert sorted(found) == sorted(expected)
    assert len(index) == sum(len(records) for file, records in added if file not in gone)
