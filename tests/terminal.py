"""Programs on a terminal of 80 columns."""

import fcntl
import os
import re
import struct
import subprocess
import sys
import termios

COLUMNS = 80


def on_terminal(program: str, **environment: str) -> str:
    """Run a program on a new terminal, and return what it writes there, without colours."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    pipes = "2>/dev/null </dev/null" if environment else ""
    script = f': <>"$2"; "$0" -c "$1" {pipes}'  # opening it makes it this process's terminal
    process = subprocess.Popen(
        [
            "sh",
            "-c",
            script,
            sys.executable,
            program,
            os.ttyname(theirs),
        ],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", **environment},
        start_new_session=True,
    )
    os.close(theirs)
    written = b""
    try:
        while chunk := os.read(ours, 1 << 16):
            written += chunk
    except OSError:  # how a terminal ends
        pass
    finally:
        os.close(ours)
        process.wait(timeout=240)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.decode())


def without_bar(line: str) -> str:
    """Return the line with a bar of one character."""
    return re.sub(r"[━╸╺]+", "━", line)
