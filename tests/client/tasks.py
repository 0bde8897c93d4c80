"""A daemon that forks tasks, as Spark's does, and lets them all go at the same moment.

Arguments: settings as JSON, pid of the executor, which is the owner too, tasks, rows of each. Each
task prints a report as a line of JSON.
"""

import json
import os
import sys

from sparkllm.client import EngineError, EngineSettings, Identity, open_exchange
from tests.client.scenery import identity, prompts


def main() -> None:
    engine = EngineSettings(**json.loads(sys.argv[1]))
    executor, tasks, rows = (int(argument) for argument in sys.argv[2:])
    whose = identity(executor, executor)
    wait_here, let_go = os.pipe()
    children = []
    for _ in range(tasks):
        child = os.fork()
        if child == 0:
            os.close(let_go)
            os.read(wait_here, 1)
            report = run_task(engine, whose, [f"row {number}" for number in range(rows)])
            os.write(1, json.dumps(report).encode() + b"\n")
            os._exit(0)
        children.append(child)
    os.close(let_go)
    sys.exit(max(os.waitpid(child, 0)[1] for child in children))


def run_task(engine: EngineSettings, whose: Identity, texts: list[str]) -> dict[str, str]:
    """Send the texts as one window; return the engine's pid, or the error."""
    try:
        with open_exchange(engine, {}, whose) as exchange:
            results = exchange.submit(prompts(texts)).result()
            assert results["text"].to_pylist() == texts
            assert exchange._connection is not None
            return {"engine": str(exchange._connection.endpoint.process.pid)}
    except EngineError as error:
        return {"type": type(error).__name__, "error": str(error)}


if __name__ == "__main__":
    main()
