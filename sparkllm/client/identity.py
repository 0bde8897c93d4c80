"""Whose engine it is: the executor that shares it and the owner that keeps it alive."""

import os
import sys
from dataclasses import dataclass

import psutil

from sparkllm_engine.server.process import ProcessStamp


@dataclass(frozen=True, slots=True)
class Identity:
    """The executor's process, which all its tasks have in common, and this worker's parent.

    In Spark the executor is a JVM and the owner the Python daemon that forked this worker, or the
    JVM itself where there is no daemon. Outside Spark this very process is both.
    """

    executor: ProcessStamp
    owner: ProcessStamp


def find_identity() -> Identity:
    """Return the identity of the process that calls."""
    jvm = _jvm_above(psutil.Process()) if _in_spark_task() else None
    if jvm is None:
        own = ProcessStamp.of(os.getpid())
        return Identity(own, own)
    return Identity(ProcessStamp.of(jvm.pid), ProcessStamp.of(os.getppid()))


def _in_spark_task() -> bool:
    pyspark = sys.modules.get("pyspark")
    return pyspark is not None and pyspark.TaskContext.get() is not None


def _jvm_above(process: psutil.Process) -> psutil.Process | None:
    for parent in process.parents():
        if parent.name().startswith("java"):
            return parent
    return None
