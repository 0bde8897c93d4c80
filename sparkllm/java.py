"""Is there a Java that Spark can run on? Needs nothing but Python: `python sparkllm/java.py`."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = 17
_ADVICE = (
    f"install Java {OLDEST} or newer (Debian and Ubuntu: apt-get install openjdk-17-jre-headless; "
    "macOS: brew install openjdk@17) and set JAVA_HOME if it is not on the PATH"
)


class JavaNotFoundError(RuntimeError):
    """There is no Java, or it is too old; the message says what to install."""


def require_java() -> None:
    """Return if Spark will find a Java that is new enough.

    Raises:
        JavaNotFoundError: it will not.
    """
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else shutil.which("java")
    if java is None or not Path(java).exists():
        where = f"JAVA_HOME={home} has no bin/java" if home else "there is no java on the PATH"
        raise JavaNotFoundError(f"Spark needs Java, but {where}: {_ADVICE}")
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(?:1\.)?(\d+)', told)
    if version is None:
        raise JavaNotFoundError(f"{java} does not run ({told.strip()[:200]}): {_ADVICE}")
    if int(version[1]) < OLDEST:
        raise JavaNotFoundError(f"Spark needs Java {OLDEST}, {java} is {version[1]}: {_ADVICE}")


if __name__ == "__main__":
    try:
        require_java()
    except JavaNotFoundError as error:
        sys.exit(f"sparkllm: {error}")
