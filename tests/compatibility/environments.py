"""One environment per minor version of Spark, layered over the one that runs this.

An environment has its own pyspark and takes everything else from this one: half a gigabyte each
instead of two.
"""

import re
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

_FOLDER = Path(__file__).parents[2] / ".compat"
_OLDEST = (4, 0)
_BELOW = (5, 0)


def latest_patches(versions: Iterable[str]) -> list[str]:
    """Return the latest patch of each minor version that sparkllm supports, oldest first."""
    latest: dict[tuple[int, int], int] = {}
    for name in versions:
        if numbers := re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", name):
            major, minor, patch = map(int, numbers.groups())
            if _OLDEST <= (major, minor) < _BELOW:
                latest[major, minor] = max(patch, latest.get((major, minor), 0))
    return [f"{major}.{minor}.{patch}" for (major, minor), patch in sorted(latest.items())]


def published() -> list[str]:
    """Return the versions of pyspark that the package index has."""
    command = [sys.executable, "-m", "pip", "index", "versions", "pyspark"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (line,) = (line for line in told.splitlines() if line.startswith("Available versions:"))
    return [name.strip() for name in line.partition(":")[2].split(",")]


def python_with(spark: str) -> Path:
    """Return the Python of an environment with this version of Spark, made if it is not there."""
    if spark == version("pyspark"):
        return Path(sys.executable)
    folder = _FOLDER / spark
    python = folder / "bin" / "python"
    ready = folder / "ready"
    if not ready.exists():
        venv.create(folder, with_pip=True, clear=True)
        install = [python, "-m", "pip", "install", "--quiet", f"pyspark=={spark}"]
        subprocess.run(install, check=True)
        _layer(python)
        ready.touch()
    return python


def _layer(python: Path) -> None:
    """Let an environment find the packages of this one behind its own."""
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    told = subprocess.run([python, "-c", where], capture_output=True, text=True, check=True)
    ours = sysconfig.get_path("purelib")
    Path(told.stdout.strip(), "layer.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
