"""The memory of answers keeps those asked for often, within its bytes."""

import random
from collections import OrderedDict

from hypothesis import given
from hypothesis import strategies as st

from sparkllm_engine.store.memory import AnswerMemory
from tests.store.answers import answer, key

SIZE_OF_ONE = 380


def memory_for(answers: int) -> AnswerMemory:
    """Return a memory with room for about so many answers."""
    return AnswerMemory(SIZE_OF_ONE * answers)


operations = st.lists(st.tuples(st.sampled_from(["put", "get"]), st.integers(0, 30)), max_size=200)


@given(operations, st.integers(0, 12))
def test_it_never_holds_more_than_its_bytes_nor_an_answer_to_another_key(
    steps: list[tuple[str, int]], answers: int
) -> None:
    memory = memory_for(answers)
    put: set[int] = set()
    for operation, number in steps:
        if operation == "put":
            memory.put(key(number), answer(number))
            put.add(number)
        else:
            (found,) = memory.get([key(number)])
            assert found is None or (number in put and found.text == str(number))
        assert memory.used <= SIZE_OF_ONE * answers
        assert (memory.used == 0) == (len(memory) == 0)


def test_all_answers_stay_while_there_is_room() -> None:
    memory = memory_for(100)
    for number in range(80):
        memory.put(key(number), answer(number))
    assert [result.text for result in memory.get(list(map(key, range(80)))) if result] == list(
        map(str, range(80))
    )


def test_rows_that_come_once_do_not_push_out_those_that_come_often() -> None:
    memory = memory_for(1000)
    frequent = [key(("frequent", number)) for number in range(500)]
    for _ in range(3):
        for known, found in zip(frequent, memory.get(frequent), strict=True):
            if found is None:
                memory.put(known, answer("often"))
    for number in range(10_000):
        once = key(("once", number))
        memory.get([once])
        memory.put(once, answer("once"))
    assert sum(found is not None for found in memory.get(frequent)) >= 490


def test_on_skewed_questions_with_a_scan_it_hits_more_often_than_least_recently_used() -> None:
    rng = random.Random(7)
    asked = [int(rng.paretovariate(0.7)) for _ in range(20_000)]
    for start in range(2000, 20_000, 4000):
        asked[start:start] = range(10**9 + start, 10**9 + start + 2000)
    memory, room = memory_for(300), 300
    simple: OrderedDict[int, None] = OrderedDict()
    hits = simple_hits = 0
    for number in asked:
        if memory.get([key(number)])[0] is None:
            memory.put(key(number), answer(number))
        else:
            hits += 1
        simple_hits += number in simple
        simple[number] = None
        simple.move_to_end(number)
        if len(simple) > room:
            simple.popitem(last=False)
    assert hits > simple_hits


def test_what_is_asked_for_often_later_replaces_what_was_often_before() -> None:
    memory = memory_for(50)
    for round_ in range(40):
        for number in range(40):
            known = key((round_ // 20, number))
            if memory.get([known])[0] is None:
                memory.put(known, answer(number))
    assert sum(found is not None for found in memory.get([key((1, n)) for n in range(40)])) >= 36


def test_an_answer_larger_than_the_memory_pushes_nothing_out() -> None:
    memory = memory_for(2)
    memory.put(key("small"), answer("small"))
    memory.put(key("large"), answer("x" * 10_000))
    assert memory.get([key("small"), key("large")]) == [answer("small"), None]


def test_without_room_it_remembers_nothing() -> None:
    memory = AnswerMemory(0)
    memory.put(key("a"), answer("a"))
    assert memory.get([key("a")]) == [None]
    assert memory.used == 0
