"""A task as a process of its own: says that it is prepared, waits for the end of its input, goes.

Arguments: settings as JSON, pid of the executor, rows, pid of the owner (if it is another). It
prints a report as JSON.
"""

import json
import sys

from sparkllm.client import EngineError, EngineSettings, open_exchange
from tests.client.scenery import identity, prompts


def main() -> None:
    engine = EngineSettings(**json.loads(sys.argv[1]))
    texts = [f"row {number}" for number in range(int(sys.argv[3]))]
    owner = int(sys.argv[4]) if len(sys.argv) > 4 else None
    whose = identity(int(sys.argv[2]), owner)
    sys.stdout.write("prepared\n")
    sys.stdout.flush()
    sys.stdin.read()
    try:
        with open_exchange(engine, {}, whose) as exchange:
            results = exchange.submit(prompts(texts)).result()
            assert results["text"].to_pylist() == texts
            assert exchange._connection is not None
            report = {"engine": str(exchange._connection.endpoint.process.pid)}
    except EngineError as error:
        report = {"type": type(error).__name__, "error": str(error)}
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main()
