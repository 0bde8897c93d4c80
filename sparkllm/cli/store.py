"""`sparkllm store`: what a store holds, and keeping it within limits."""

import argparse
import sys
from datetime import datetime

from sparkllm.configuration_values import BYTES, DURATION
from sparkllm_engine.store import Location, StoreLocationError
from sparkllm_engine.store.maintenance import StoreReport, clear, prune, report


def add_commands(parser: argparse.ArgumentParser) -> None:
    """Add the commands below `sparkllm store`."""
    commands = parser.add_subparsers(dest="store_command", required=True)
    explained = {
        "stats": "print what it holds",
        "verify": "check every file; exit with 1 if anything is damaged",
        "prune": "remove answers that are too old or too much, and join small files",
        "clear": "remove all answers",
    }
    for name, meaning in explained.items():
        command = commands.add_parser(name, help=meaning)
        command.add_argument("path", help="as in spark.sparkllm.store.path")
        if name == "prune":
            command.add_argument(
                "--max-bytes", default="0", help="what may stay, such as 10g; the oldest go first"
            )
            command.add_argument(
                "--max-age", default="0", help="how old answers may be, such as 30d"
            )


def run(given: argparse.Namespace) -> int:
    """Run a command; return its exit status."""
    try:
        location = Location(given.path)
        match given.store_command:
            case "stats":
                print(_told(report(location)))
            case "verify":
                return _verify(report(location))
            case "prune":
                done = prune(
                    location,
                    BYTES.read(given.max_bytes),
                    DURATION.read(given.max_age),
                )
                print(f"files: {done.files[0]:,} before, {done.files[1]:,} now")
                print(f"bytes: {done.bytes[0]:,} before, {done.bytes[1]:,} now")
            case "clear":
                print(f"removed {clear(location):,} files")
    except (OSError, StoreLocationError, ValueError) as error:
        print(f"sparkllm: {error}", file=sys.stderr)
        return 1
    return 0


def _told(told: StoreReport) -> str:
    lines = [
        f"answers: {told.answers:,} ({told.records - told.answers:,} more records of the same)",
        f"files: {told.files:,}, {told.bytes:,} bytes",
        f"tokens of their calls: {told.prompt_tokens:,} prompt, {told.output_tokens:,} output",
    ]
    if told.oldest:
        lines.append(f"written: {_day(told.oldest)} to {_day(told.newest)}")
    return "\n".join(lines)


def _verify(told: StoreReport) -> int:
    for name, size in told.damaged.items():
        print(f"{name}: {size:,} bytes at its end are no whole frames, and are not read")
    for name, reason in told.unreadable.items():
        print(f"{name}: can't be read: {reason}")
    if told.unknown:
        print(f"{told.unknown:,} records have no answer that this version reads")
    print(f"{told.answers:,} answers in {told.files:,} files are whole")
    return 1 if told.damaged or told.unreadable or told.unknown else 0


def _day(moment: int) -> str:
    return datetime.fromtimestamp(moment).strftime("%Y-%m-%d %H:%M")
