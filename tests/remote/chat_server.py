"""An HTTP server that speaks OpenAI's protocol for chat and embeddings, and misbehaves on purpose.

The answer to a prompt is its digest, or the choice that the digest falls on. Each attempt at each
prompt has its own fate, which depends on nothing but the two.
"""

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.engines import chosen, digest

FAULTS = ("429", "500", "garbage", "half", "never", "slow")


class ChatServer(ThreadingHTTPServer):
    """Listens on a free port as soon as it is made; use it in a `with` statement.

    Args:
        faults: what goes wrong, each equally often.
        share: the share of attempts at which something does.
        token: what callers must show, empty for nothing.

    Attributes:
        arrivals: moments at which requests came, on the monotonic clock.
        attempts: how often each prompt was asked.
        order: prompts in the order of their first attempt.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, faults: Sequence[str] = FAULTS, share: float = 0.0, token: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.faults = faults
        self.share = share
        self.token = token
        self.lock = threading.Lock()
        self.arrivals: list[float] = []
        self.attempts: Counter[str] = Counter()
        self.order: list[str] = []
        self.closing = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def server_close(self) -> None:
        self.closing.set()
        self.shutdown()
        super().server_close()

    def arrived(self, prompt: str) -> int:
        """Note a request, and return how many there were for this prompt before."""
        with self.lock:
            self.arrivals.append(time.monotonic())
            if prompt not in self.attempts:
                self.order.append(prompt)
            self.attempts[prompt] += 1
            return self.attempts[prompt] - 1

    def fate(self, prompt: str, attempt: int) -> str:
        """Return what goes wrong at an attempt, empty for nothing."""
        number = int(hashlib.sha256(f"{attempt} {prompt}".encode()).hexdigest(), 16)
        if number % 1000 >= 1000 * self.share:
            return ""
        return self.faults[number // 1000 % len(self.faults)]


def most_within(moments: Iterable[float], seconds: float) -> int:
    """Return the most of the moments that lie within any so many seconds."""
    times = sorted(moments)
    first, most = 0, 0
    for last, moment in enumerate(times):
        while moment - times[first] > seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


class _Handler(BaseHTTPRequestHandler):
    server: ChatServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        prompt = body["input"] if "input" in body else body["messages"][0]["content"]
        attempt = self.server.arrived(prompt)
        if self.server.token and self.headers["authorization"] != f"Bearer {self.server.token}":
            self._send(401, f"wrong key: {self.headers['authorization']}".encode())
            return
        fate = self.server.fate(prompt, attempt)
        made = _embedded(prompt) if self.path.endswith("/embeddings") else _completion(body, prompt)
        content = json.dumps(made).encode()
        with suppress(OSError):
            match fate:
                case "429":
                    self._send(429, b"slow down", {"Retry-After": "0.2"})
                case "500":
                    self._send(500, b"oops")
                case "garbage":
                    self._send(200, b"<html>" + content[:20])
                case "half":
                    self._send(200, content[: len(content) // 2], length=len(content))
                    self.close_connection = True
                case "never":
                    self.server.closing.wait(60)
                    self.close_connection = True
                case "slow":
                    self._dribble(content)
                case _:
                    self._send(200, content)

    def _send(
        self,
        status: int,
        content: bytes,
        headers: dict[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _dribble(self, content: bytes) -> None:
        self._send(200, b"", length=len(content))
        for byte in content:
            if self.server.closing.wait(0.2):
                break
            self.wfile.write(bytes([byte]))
            self.wfile.flush()

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


def answer_to(prompt: str, schema: dict[str, Any] | None) -> str:
    """Return what the server answers to a prompt."""
    if schema is None:
        return digest(prompt)
    inner = schema["properties"]["answer"]
    answer: Any = digest(prompt)
    if "enum" in inner:
        answer = "none of them" if "stray" in prompt else chosen(answer, inner["enum"])
    elif inner.get("type") == "array":
        answer = [answer]
    return json.dumps({"answer": answer})


def vector_of(prompt: str) -> list[float]:
    """Return the embedding that the server has for a text, not of length 1."""
    return [float(int(letter, 16)) for letter in digest(prompt)]


def _embedded(prompt: str) -> dict[str, Any]:
    data = [{"object": "embedding", "index": 0, "embedding": vector_of(prompt)}]
    return {"object": "list", "data": data, "usage": {"prompt_tokens": 7, "total_tokens": 7}}


def _completion(body: dict[str, Any], prompt: str) -> dict[str, Any]:
    form = body.get("response_format")
    text = answer_to(prompt, form["json_schema"]["schema"] if form else None)
    return {
        "choices": [{"message": {"content": text}, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": 20,
            "completion_tokens": 2,
            "prompt_tokens_details": {"cached_tokens": 16},
        },
    }
