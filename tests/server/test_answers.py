"""Whatever happens in whatever order, each row gets one result and nothing is computed twice."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sparkllm_engine.request import Result, SamplingParameters
from sparkllm_engine.server.answers import Answers, is_determined
from sparkllm_engine.server.outbox import Outbox
from sparkllm_engine.server.prompts import RequestBatch
from sparkllm_engine.store import ResultStore, StoreOptions
from tests.store.answers import key


@dataclass
class Client:
    """A client as the test sees it: which prompt each of its rows is, and what it received."""

    outbox: Outbox = field(default_factory=Outbox)
    rows: dict[int, int] = field(default_factory=dict)
    received: dict[int, Result] = field(default_factory=dict)

    def collect(self) -> None:
        """Take what is in the outbox; a row twice is an error."""
        parcel = self.outbox.take(0)
        assert parcel is not None
        for row, result in zip(parcel.ids, parcel.results, strict=True):
            assert row not in self.received
            self.received[row] = result


class AnswersMachine(RuleBasedStateMachine):
    """Three clients ask for prompts 0 to 5, leave, and an engine computes in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = Answers(ResultStore(StoreOptions(1 << 20)))
        self.clients = [Client() for _ in range(3)]
        self.computing: dict[int, int] = {}
        self.answered: set[int] = set()
        self.failed: set[int] = set()

    @rule(client=st.integers(0, 2), prompts=st.lists(st.integers(0, 5), min_size=1, max_size=5))
    def ask(self, client: int, prompts: list[int]) -> None:
        asking = self.clients[client]
        ids = list(range(len(asking.rows), len(asking.rows) + len(prompts)))
        asking.rows |= dict(zip(ids, prompts, strict=True))
        asking.outbox.expect(len(ids))
        batch = RequestBatch(ids, [(str(p),) for p in prompts], [key(p) for p in prompts])
        new = self.answers.claim(batch, True, asking.outbox)
        for request, (text,) in zip(new.ids, new.prompts, strict=True):
            assert int(text) not in self.answered
            assert int(text) not in self.computing.values()
            self.computing[request] = int(text)

    @rule(data=st.data(), error=st.booleans())
    def compute(self, data: st.DataObject, error: bool) -> None:
        if self.computing:
            request = data.draw(st.sampled_from(sorted(self.computing)))
            prompt = self.computing.pop(request)
            if error:
                result = Result(request, None, "error", "CODE", str(prompt))
            else:
                result = Result(request, str(prompt), "stop")
                self.answered.add(prompt)
            self.answers.complete([result])

    @rule(client=st.integers(0, 2))
    def leave(self, client: int) -> None:
        unwanted = self.answers.abandon(self.clients[client].outbox)
        self.clients[client] = Client()
        waited_for = {
            prompt
            for other in self.clients
            for row, prompt in other.rows.items()
            if row not in other.received
        }
        for request in unwanted:
            assert self.computing.pop(request) not in waited_for

    @invariant()
    def each_row_has_its_answer_or_its_prompt_is_computed(self) -> None:
        for client in self.clients:
            client.collect()
            for row, prompt in client.rows.items():
                result = client.received.get(row)
                if result is None:
                    assert prompt in self.computing.values()
                else:
                    assert str(prompt) in (result.text, result.error_message)
        assert sorted(self.computing) == sorted(self.answers.unfinished())


AnswersMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=40)
TestAnswers = AnswersMachine.TestCase


@given(st.floats(0, 2), st.none() | st.integers(0, 9))
def test_an_answer_is_determined_without_drawing_or_with_a_seed(
    temperature: float, seed: int | None
) -> None:
    parameters = SamplingParameters(temperature=temperature, seed=seed)
    assert is_determined(parameters) == (temperature == 0 or seed is not None)
