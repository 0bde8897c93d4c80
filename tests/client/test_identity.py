"""Whose engine it is: found from the place of the worker in the tree of processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

from sparkllm.client import Identity, find_identity
from sparkllm_engine.server.process import ProcessStamp

WORKER = """
import json, os, sys
if "in a task" in sys.argv:
    import pyspark
    pyspark.TaskContext._setTaskContext(pyspark.TaskContext())
from sparkllm.client import find_identity
found = find_identity()
print(json.dumps([found.executor.pid, found.owner.pid, os.getppid(), os.getpid()]))
"""

RUN = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)"


def pids_of_worker(directory: Path, *arguments: str, daemon: bool) -> list[int]:
    """Run a worker below a process called java; return pids: executor, owner, parent, its own."""
    java = directory / "java"
    java.symlink_to(Path(sys.executable).resolve())
    command = [sys.executable, "-c", WORKER, *arguments]
    if daemon:
        command = [sys.executable, "-c", RUN, *command]
    below = [str(java), "-c", RUN, *command]
    done = subprocess.run(below, check=True, capture_output=True, text=True, env=_environment())
    pids: list[int] = json.loads(done.stdout)
    return pids


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def test_with_a_daemon_the_owner_is_the_daemon_and_the_executor_the_jvm(directory: Path) -> None:
    executor, owner, parent, own = pids_of_worker(directory, "in a task", daemon=True)
    assert owner == parent
    assert len({executor, owner, own}) == 3


def test_without_a_daemon_both_are_the_jvm(directory: Path) -> None:
    executor, owner, parent, own = pids_of_worker(directory, "in a task", daemon=False)
    assert executor == owner == parent != own


def test_below_a_jvm_but_in_no_task_both_are_the_process_itself(directory: Path) -> None:
    executor, owner, _, own = pids_of_worker(directory, daemon=True)
    assert executor == owner == own


def test_outside_spark_both_are_the_process_itself() -> None:
    own = ProcessStamp.of(os.getpid())
    assert find_identity() == Identity(own, own)
