"""Getting a connection to the executor's engine process, which is started if there is none.

endpoint file names a live process? ── yes ─► connect
  no: take the lock ─► somebody else has started it meanwhile? ── yes ─► connect
        no: a start failed a moment ago? ── yes ─► the same error
          no: start, wait for its report ─► endpoint file │ failure file
"""

import json
import os
import time
from contextlib import suppress

from filelock import FileLock, Timeout

from sparkllm.client.connection import Connection, ConnectionLostError, answers_health, kill
from sparkllm.client.errors import EngineStartError
from sparkllm.client.files import EngineFiles
from sparkllm.client.identity import Identity
from sparkllm.client.settings import EngineSettings
from sparkllm.client.start import start_process
from sparkllm_engine.server.endpoint import Endpoint

_LOCK_MARGIN = 10.0
_REMEMBER_FAILURE = 10.0


class Launcher:
    """Connects to the engine process that belongs to an identity and settings.

    Raises:
        EngineStartError: there is no directory for its files.
    """

    def __init__(self, settings: EngineSettings, identity: Identity) -> None:
        self._settings = settings
        self._identity = identity
        self._files = EngineFiles.of(
            settings.directory, identity.executor.pid, settings.process_json()
        )
        self._doubtful: Endpoint | None = None

    @property
    def log(self) -> str:
        """Path of the log of the engine process."""
        return str(self._files.log)

    def connect(self, command: bytes) -> Connection:
        """Return a new connection for this command of the protocol.

        Raises:
            EngineStartError: the process can't be started.
            EngineRefusedError: the engine does not take the command.
            ConnectionLostError: the process went away again at once.
        """
        endpoint = self._live_endpoint()
        if endpoint is not None and endpoint != self._doubtful:
            with suppress(ConnectionLostError):
                return Connection(endpoint, self._identity.owner, command)
            self._doubtful = endpoint
        endpoint = self._endpoint_under_lock()
        return Connection(endpoint, self._identity.owner, command)

    def _live_endpoint(self) -> Endpoint | None:
        endpoint = Endpoint.read(self._files.endpoint)
        return endpoint if endpoint is not None and endpoint.process.is_alive() else None

    def _endpoint_under_lock(self) -> Endpoint:
        patience = self._settings.start_timeout + _LOCK_MARGIN
        try:
            with FileLock(self._files.lock, timeout=patience):
                endpoint = self._live_endpoint()
                if endpoint is not None and endpoint == self._doubtful:
                    endpoint = self._healthy_or_killed(endpoint)
                return endpoint or self._start()
        except Timeout:
            raise EngineStartError(
                f"no engine process became ready within {patience:g} s: other tasks of this "
                "executor tried to start one meanwhile",
                self.log,
            ) from None

    def _healthy_or_killed(self, endpoint: Endpoint) -> Endpoint | None:
        if answers_health(endpoint):
            return endpoint
        kill(endpoint.process)
        return None

    def _start(self) -> Endpoint:
        failure = self._recent_failure()
        if failure is not None:
            raise EngineStartError(failure, self.log)
        self._files.remove_sockets()
        self._files.sweep()
        try:
            return self._start_and_tell()
        except EngineStartError as error:
            with suppress(OSError):
                self._remember_failure(error.message)
            raise

    def _start_and_tell(self) -> Endpoint:
        endpoint = start_process(self._settings, self._identity, self._files)
        try:
            endpoint.write(self._files.endpoint)
        except OSError as error:
            kill(endpoint.process)
            raise EngineStartError(
                f"the engine started, but {self._files.endpoint} can't be written: "
                f"{error.strerror}: free space there, or set spark.sparkllm.engine.directory to "
                "another place",
                self.log,
            ) from error
        return endpoint

    def _recent_failure(self) -> str | None:
        try:
            body = json.loads(self._files.failure.read_text())
            age = time.time() - body["time"]
            return str(body["message"]) if 0 <= age < _REMEMBER_FAILURE else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _remember_failure(self, message: str) -> None:
        draft = self._files.failure.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps({"time": time.time(), "message": message}))
        draft.replace(self._files.failure)
