"""Run the smoke test on every minor version of Spark, and write `docs/compatibility.md`.

python -m tests.compatibility [--only 4.0]
"""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.compatibility.environments import latest_patches, published, python_with
from tests.compatibility.table import WAYS, document

_ROOT = Path(__file__).parents[2]
_PATIENCE = 1800  # seconds, on a machine that does other things too


def _facts(python: Path, way: str) -> dict[str, Any]:
    done = subprocess.run(
        [python, "-m", "tests.compatibility.smoke", way],
        cwd=_ROOT,
        env={**os.environ, "PYSPARK_PYTHON": str(python)},
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    if not done.stdout:
        return {"failed": {"start": done.stderr[-2000:]}}
    facts: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return facts


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else "java"
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=True).stderr
    found = re.search(r'version "([^"]+)"', told)
    return found[1] if found else told


def main() -> int:
    """Return 1 if something failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="a version such as 4.0; the document is not written then")
    only = parser.parse_args().only
    rows = []
    failed = False
    for spark in latest_patches(published()):
        if only and not f"{spark}.".startswith(f"{only}."):
            continue
        python = python_with(spark)
        facts: dict[str, Any] = {"spark": spark, "java": _java()}
        for way in WAYS:
            found = _facts(python, way)
            facts |= {**found, way: not found["failed"]}
            for check, message in found["failed"].items():
                failed = True
                sys.stderr.write(f"Spark {spark}, {way}, {check}: {message}\n")
        sys.stderr.write(f"Spark {spark}: {', '.join(way for way in WAYS if facts[way])} work\n")
        rows.append(facts)
    if not only:
        (_ROOT / "docs" / "compatibility.md").write_text(document(rows))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
