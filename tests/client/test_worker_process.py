"""The client in a process like Spark's: light, forked from a daemon, several exchanges."""

import os
import subprocess
import sys
from pathlib import Path

from tests.client.scenery import as_json, settings

HEAVY = ("torch", "transformers", "pyarrow.flight", "pandas", "pyspark", "sparkllm_engine.engine")

FORKED = """
import json, os, sys
from sparkllm.client import EngineSettings, open_exchange
from tests.client.scenery import identity, prompts
engine, whose = EngineSettings(**json.loads(sys.argv[1])), identity()
children = []
for number in range(4):
    child = os.fork()
    if child == 0:
        for task in range(2):
            texts = [f"row {row} of {number} {task}" for row in range(100)]
            with open_exchange(engine, {}, whose) as exchange:
                assert exchange.submit(prompts(texts)).result()["text"].to_pylist() == texts
        os._exit(0)
    children.append(child)
assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
"""


def test_importing_the_client_loads_nothing_heavy() -> None:
    code = f"import sys, sparkllm.client; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_workers_forked_after_the_import_use_it_for_task_after_task(directory: Path) -> None:
    command = [sys.executable, "-c", FORKED, as_json(settings(directory))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=60, env=environment
    )
    assert (done.returncode, done.stderr) == (0, "")
