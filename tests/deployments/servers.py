"""Servers and shells of Spark with the extension, started as docs/deployments.md says."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "sql_examples"
_PATIENCE = 400  # seconds, on a machine that does other things too


def activated() -> dict[str, str]:
    """Return the variables of a shell in which sparkllm's environment is activated."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PYSPARK_")}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**kept, "PATH": path, "SPARK_LOCAL_IP": "127.0.0.1"}


def folder_for(folder: Path, engine_directory: Path) -> Path:
    """Return a folder with the examples and a `sparkllm.conf` whose engine's answers are known."""
    folder.mkdir()
    (folder / "sql_examples").symlink_to(EXAMPLES)
    conf = run(folder, "sparkllm", "conf")
    (folder / "sparkllm.conf").write_text(
        f"{conf}spark.ui.enabled false\n"
        "spark.driver.extraJavaOptions -XX:TieredStopAtLevel=1\n"
        "spark.sql.shuffle.partitions 2\n"
        "spark.sparkllm.engine.implementation tests.engines:ChoosingEngine\n"
        f"spark.sparkllm.engine.directory {engine_directory}\n"
    )
    return folder


def run(folder: Path, *command: str) -> str:
    """Return what a command writes to standard output."""
    done = subprocess.run(command, cwd=folder, env=activated(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    return done.stdout.decode()


@contextmanager
def thrift_and_connect(folder: Path) -> Iterator[tuple[int, int]]:
    """Run a Thrift server that is a Connect server too; yield the ports of both."""
    thrift, connect = free_port(), free_port()
    command = ["spark-submit", "--master", "local[2]", "--properties-file", "sparkllm.conf"]
    command += ["--class", "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"]
    command += ["--conf", "spark.plugins=org.apache.spark.sql.connect.SparkConnectPlugin"]
    command += ["--conf", f"spark.connect.grpc.binding.port={connect}", "spark-internal"]
    command += ["--hiveconf", f"hive.server2.thrift.port={thrift}"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=activated(), stdout=log, stderr=log)
    try:
        _until_logged(folder / "log", process, "HiveThriftServer2 started")
        yield thrift, connect
    finally:
        process.terminate()
        process.wait(timeout=60)


def free_port() -> int:
    """Return a port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _until_logged(log: Path, process: subprocess.Popen[bytes], text: str) -> None:
    end = time.monotonic() + _PATIENCE
    while text not in log.read_text():
        is_alive = process.poll() is None and time.monotonic() < end
        assert is_alive, log.read_text()[-3000:]
        time.sleep(0.2)
