"""`python -m tests.soak [SECONDS]`: eight queries at once for ten minutes, and what they leave."""

import sys
import tempfile
from pathlib import Path

from tests.soak.soak import SIZES, soak


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 600.0
    with tempfile.TemporaryDirectory(prefix="slm") as directory:
        outcome = soak(seconds, Path(directory))
    lines = [
        f"{len(SIZES)} queries at once for {seconds:g} s: {outcome.queries:,} queries,"
        f" {outcome.rows:,} rows, {len(outcome.wrong)} wrong, {len(outcome.errors)} errors",
        f"{'held':<20}{'second third':>16}{'last third':>16}",
    ]
    for name, (middle, last) in outcome.watch.thirds().items():
        lines.append(f"{name:<20}{middle:>16,}{last:>16,}")
    growth = outcome.watch.growth()
    lines += [
        f"grew: {name} from {middle:,} to {last:,}" for name, (middle, last) in growth.items()
    ]
    lines += [f"wrong: {text!r} was {answer!r}" for text, answer in outcome.wrong[:10]]
    lines += [f"error: {error}" for error in outcome.errors[:10]]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.exit(bool(growth or outcome.wrong or outcome.errors))


if __name__ == "__main__":
    main()
