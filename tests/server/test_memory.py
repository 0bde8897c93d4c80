"""The memory of answers keeps what was used last, within its bytes."""

from hypothesis import given
from hypothesis import strategies as st

from sparkllm_engine.request import Result
from sparkllm_engine.server.memory import AnswerMemory

SIZE_OF_ONE = 400


def result(text: str) -> Result:
    """Return an answer with this text."""
    return Result(0, text, "stop")


operations = st.lists(st.tuples(st.sampled_from(["put", "get"]), st.integers(0, 9)), max_size=60)


@given(operations, st.integers(1, 8))
def test_it_holds_the_most_recently_used_answers(
    steps: list[tuple[str, int]], capacity: int
) -> None:
    memory = AnswerMemory(SIZE_OF_ONE * capacity)
    sizes = AnswerMemory(1 << 20)
    sizes.put(b"one", result("0"))
    room = memory.capacity // sizes.used
    expected: list[int] = []
    for operation, number in steps:
        key = bytes([number])
        found = memory.get(key) if operation == "get" else None
        if operation == "get":
            assert (found is not None) == (number in expected)
            assert found is None or found.text == str(number)
        else:
            memory.put(key, result(str(number)))
        if operation == "put" or number in expected:
            expected = [other for other in expected if other != number] + [number]
        expected = expected[-room:]
        assert len(memory) == len(expected)
        assert memory.used == sizes.used * len(expected)


def test_an_answer_larger_than_the_memory_pushes_nothing_out() -> None:
    memory = AnswerMemory(SIZE_OF_ONE)
    memory.put(b"small", result("small"))
    memory.put(b"large", result("x" * 10_000))
    assert memory.get(b"large") is None
    assert memory.get(b"small") == result("small")


def test_without_room_it_remembers_nothing() -> None:
    memory = AnswerMemory(0)
    memory.put(b"key", result("answer"))
    assert memory.get(b"key") is None
    assert memory.used == 0
