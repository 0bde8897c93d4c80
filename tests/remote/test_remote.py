"""An engine that asks a service: every row is answered or an error, however the service behaves."""

import json
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparkllm import configuration
from sparkllm.client import RemoteSettings, open_exchange
from sparkllm.listener import UsageListener
from sparkllm_engine.errors import EngineConfigError, RowErrorCode
from sparkllm_engine.remote.config import RemoteConfig
from sparkllm_engine.remote.engine import RemoteEngine
from sparkllm_engine.remote.rate_limit import RateLimit, WindowLimiter
from sparkllm_engine.request import Request, Result, SamplingParameters
from tests.client.scenery import engines, eventually, identity, prompts, settings
from tests.engines import digest
from tests.remote.chat_server import ChatServer, most_within, vector_of

pytestmark = pytest.mark.timeout(180)

LABELS = SamplingParameters(choices=("good", "bad"))


@pytest.fixture(autouse=True)
def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def engine(server: ChatServer, **changes: object) -> RemoteEngine:
    values: dict[str, object] = {"base_url": server.url, "model": "m", "concurrency": 16}
    return RemoteEngine(RemoteConfig(**(values | changes)))  # type: ignore[arg-type]


def answers(
    asked: RemoteEngine, texts: Iterable[str], parameters: SamplingParameters = LABELS
) -> list[Result]:
    """Ask, and return the results in the order of the texts."""
    count = 0
    for text in texts:
        asked.add(Request(count, ("Is it good?\n", text), parameters))
        count += 1
    found: dict[int, Result] = {}
    while asked.has_unfinished:
        found |= {result.id: result for result in asked.step()}
    return [found[number] for number in range(count)]


def right(text: str) -> str:
    return LABELS.choices[int(digest(f"Is it good?\n{text}"), 16) % 2]


def test_answers_and_their_usage_are_those_of_the_service() -> None:
    with ChatServer() as server:
        (result,) = answers(engine(server), ["fine"])
    assert result == Result(0, right("fine"), "choice", None, None, 20, 16, 2)


def test_embeddings_are_those_of_the_service_at_length_one() -> None:
    texts = [f"row {number}" for number in range(30)]
    embedding = SamplingParameters(embedding=True)
    with ChatServer(("429", "500", "garbage", "half"), share=0.3) as server:
        results = answers(engine(server, max_attempts=20), texts, embedding)
    for text, result in zip(texts, results, strict=True):
        vector = np.array(vector_of(f"Is it good?\n{text}"))
        assert result.embedding is not None
        assert np.allclose(result.embedding, vector / np.linalg.norm(vector))
        assert (result.finish_reason, result.prompt_tokens) == ("embedding", 7)


def test_requests_go_out_in_the_order_in_which_they_came() -> None:
    texts = [f"row {number}" for number in range(40)]
    with ChatServer() as server:
        answers(engine(server, concurrency=1), texts)
        assert server.order == [f"Is it good?\n{text}" for text in texts]


def test_an_answer_outside_the_set_is_an_error_of_its_row() -> None:
    with ChatServer() as server:
        results = answers(engine(server), ["fine", "stray"])
    assert [result.error_code for result in results] == [None, RowErrorCode.INVALID_ANSWER]
    assert "none of them" in (results[1].error_message or "")


def test_json_is_checked_against_its_schema() -> None:
    good = SamplingParameters(json_schema='{"type": "array", "items": {"type": "string"}}')
    wrong = SamplingParameters(json_schema='{"type": "array", "items": {"type": "integer"}}')
    with ChatServer() as server:
        asked = engine(server)
        (kept,) = answers(asked, ["x"], good)
        (refused,) = answers(asked, ["x"], wrong)
    assert json.loads(kept.text or "") == [digest("Is it good?\nx")]
    assert refused.error_code == RowErrorCode.INVALID_ANSWER


def test_text_that_has_to_match_an_expression_is_checked() -> None:
    with ChatServer() as server:
        asked = engine(server)
        (kept,) = answers(asked, ["x"], SamplingParameters(regex="[0-9a-f]{16}"))
        (refused,) = answers(asked, ["x"], SamplingParameters(regex="[0-9]{3}"))
    assert (kept.text, refused.error_code) == (
        digest("Is it good?\nx"),
        RowErrorCode.INVALID_ANSWER,
    )


def test_with_three_of_ten_attempts_going_wrong_every_row_is_answered_or_says_why() -> None:
    texts = [f"row {number}" for number in range(200)]
    with ChatServer(share=0.3) as server:
        results = answers(engine(server, timeout=2.0, max_attempts=5), texts)
        fates = {server.fate(f"Is it good?\n{text}", 0) for text in texts}
        for text, result in zip(texts, results, strict=True):
            if result.error_code is None:
                assert result.text == right(text)
            else:
                assert result.error_code in (RowErrorCode.BACKEND, RowErrorCode.TIMEOUT)
                assert server.attempts[f"Is it good?\n{text}"] >= 5
    assert fates == {"", "429", "500", "garbage", "half", "never", "slow"}
    assert sum(result.error_code is not None for result in results) <= 10


@pytest.mark.parametrize(
    ("fault", "code"),
    [("500", "BACKEND"), ("garbage", "BACKEND"), ("half", "BACKEND"), ("never", "TIMEOUT")],
)
def test_a_service_that_always_fails_a_row_is_asked_so_often_and_no_more(
    fault: str, code: str
) -> None:
    with ChatServer((fault,), share=1.0) as server:
        (result,) = answers(engine(server, timeout=0.5, max_attempts=3), ["x"])
        assert sum(server.attempts.values()) == 3
    assert result.error_code == code
    assert "asked 3 times" in (result.error_message or "")


def test_a_service_that_says_when_to_come_back_is_left_alone_until_then() -> None:
    class Later(ChatServer):
        def fate(self, prompt: str, attempt: int) -> str:
            return "429" if len(self.arrivals) <= 1 else ""

    with Later() as server:
        results = answers(engine(server, concurrency=1), ["a", "b", "c"])
        assert server.arrivals[1] - server.arrivals[0] > 0.2
    assert [result.error_code for result in results] == [None] * 3


def test_a_service_that_is_away_is_tried_now_and_then_and_its_rows_end_in_errors() -> None:
    with ChatServer(("500",), share=1.0) as server:
        away = engine(server, max_attempts=1000, outage_timeout=2.0)
        results = answers(away, [f"row {number}" for number in range(100)])
        assert {result.error_code for result in results} == {RowErrorCode.BACKEND}
        assert sum(server.attempts.values()) < 60
    assert "status 500" in (results[-1].error_message or "")


def test_a_service_that_comes_back_goes_on_answering() -> None:
    texts = [f"row {number}" for number in range(60)]
    with ChatServer(("500",), share=1.0) as server:
        timer = threading.Timer(1.0, lambda: setattr(server, "share", 0.0))
        timer.start()
        results = answers(engine(server, max_attempts=100), texts)
        timer.join()
    assert [result.text for result in results] == [right(text) for text in texts]


def test_a_wrong_token_is_not_tried_for_every_row_and_never_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SPARKLLM_API_TOKEN", "very-secret")
    with ChatServer(token="another") as server:
        result, *others = answers(engine(server), [f"row {number}" for number in range(200)])
        assert sum(server.attempts.values()) <= 16
    assert {other.error_code for other in others} == {RowErrorCode.BACKEND}
    assert result.error_code == RowErrorCode.BACKEND
    assert "spark.sparkllm.openai.apiToken" in (result.error_message or "")
    assert "very-secret" not in (result.error_message or "")


def test_what_is_cancelled_is_not_waited_for() -> None:
    with ChatServer(("never",), share=1.0) as server:
        asked = engine(server)
        asked.add(Request(0, ("x",), LABELS))
        assert eventually(lambda: server.arrivals)
        asked.cancel([0])
        assert not asked.has_unfinished
        server.share = 0.0
        assert answers(asked, ["y"])[0].text == right("y")


def test_two_executors_together_keep_the_limit_that_the_driver_keeps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    granted: list[float] = []

    def noted(limiter: WindowLimiter, tokens: int, now: float | None = None) -> float:
        moment = time.monotonic() if now is None else now
        wait = ask_limiter(limiter, tokens, moment)
        if wait <= 0:
            granted.append(moment)
        return wait

    ask_limiter = WindowLimiter.ask
    monkeypatch.setattr(WindowLimiter, "ask", noted)
    listener = UsageListener("127.0.0.1")
    with ChatServer(("500", "429"), share=0.3) as server:
        both = []
        for _ in range(2):
            greeting = f"{listener.address} {listener.token} app"
            monkeypatch.setenv("SPARKLLM_RATE_DRIVER", greeting)
            both.append(engine(server, requests_per_minute=300))
        results: list[list[Result]] = [[], []]

        def ask(number: int) -> None:
            texts = [f"row {row} of {number}" for row in range(25)]
            results[number] = answers(both[number], texts)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # Between its grant and the server a request may be late by any time, so the grants are
        # held against the limit, and each request against a grant.
        assert len(server.arrivals) > 50
        assert len(granted) == len(server.arrivals)
        assert most_within(granted, 6.0) <= 30
    listener.shutdown()
    listener.server_close()
    assert [result.error_code for part in results for result in part] == [None] * 50


@given(
    st.integers(1, 60),
    st.integers(0, 2000),
    st.lists(st.tuples(st.floats(0, 20), st.integers(1, 300)), max_size=150),
)
def test_no_minute_has_more_than_the_limit(
    most: int, most_tokens: int, asked: list[tuple[float, int]]
) -> None:
    limiter = WindowLimiter(RateLimit(most, most_tokens))
    now, granted = 0.0, []
    for pause, tokens in asked:
        now += pause
        if limiter.ask(tokens, now) == 0:
            granted.append((now, tokens))
    for start, _ in granted:
        within = [tokens for moment, tokens in granted if start <= moment <= start + 60]
        assert len(within) <= most
        assert not most_tokens or sum(within) <= most_tokens or len(within) == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"base_url": ""}, "set spark.sparkllm.openai.baseUrl"),
        ({"base_url": "http://me:secret@host/v1"}, "set spark.sparkllm.openai.apiToken instead"),
        ({"model": ""}, "set spark.sparkllm.model to the service's name"),
        ({"concurrency": 0}, "concurrency is 0: it must be at least 1"),
    ],
)
def test_a_configuration_that_can_not_work_says_what_to_do(
    changes: dict[str, object], sentence: str
) -> None:
    values: dict[str, object] = {"base_url": "http://host/v1", "model": "m"}
    with pytest.raises(EngineConfigError, match=sentence) as caught:
        RemoteConfig(**(values | changes))  # type: ignore[arg-type]
    assert "secret" not in str(caught.value)


def test_the_example_has_keys_that_there_are() -> None:
    example = Path(__file__).parents[2] / "sql_examples" / "openai.conf"
    lines = [line.split() for line in example.read_text().splitlines() if line[0] != "#"]
    configuration.check(dict(lines))


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory with a short path, as sockets need one."""
    with TemporaryDirectory(prefix="sparkllm-") as name:
        yield Path(name)
        for process in engines(Path(name)):
            process.kill()


def test_through_an_engine_process_that_tells_the_token_to_nobody_else(directory: Path) -> None:
    texts = [f"row {number}" for number in range(300)]
    with ChatServer(token="very-secret") as server:
        config: dict[str, object] = {"base_url": server.url, "model": "m"}
        remote = RemoteSettings(config, "very-secret", "")
        asked = settings(directory, remote=remote)
        assert "very-secret" not in repr(asked)
        with open_exchange(asked, {"choices": LABELS.choices}, identity()) as exchange:
            results = exchange.submit(prompts(texts, "Is it good?\n")).result()
            (command,) = (" ".join(process.cmdline()) for process in engines(directory))
    assert results["text"].to_pylist() == [right(f"{text}\n") for text in texts]
    assert sum(results["cached_tokens"].to_pylist()) == 300 * 16
    assert "very-secret" not in command
    for path in directory.rglob("*"):
        assert not path.is_file() or b"very-secret" not in path.read_bytes()
