"""The tables of a folder, weighed in tokens and in characters."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from tokenizers import Tokenizer

from sparkllm_optimizer.cells import Cells, weigh
from sparkllm_optimizer.encoding import encode_table
from sparkllm_optimizer.measure import CHARACTERS, Measure

_QUICK_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class RealTable:
    """A table with the worth of its cells under two measures."""

    path: Path
    table: pa.Table
    in_tokens: Cells
    in_characters: Cells

    @property
    def name(self) -> str:
        """The name of the file without its ending."""
        return self.path.stem


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what says which tables to read."""
    parser.add_argument("--data", type=Path, required=True, help="a folder of parquet tables")
    parser.add_argument("--tokenizer", type=Path, help="a tokenizer.json (default: GPT-2 in data)")
    parser.add_argument("--quick", action="store_true", help="tables below 1 MB only")


def real_tables(args: argparse.Namespace) -> Iterator[RealTable]:
    """Read the tables that the arguments name, one after the other."""
    for path in sorted(args.data.glob("*.parquet")):
        if args.quick and path.stat().st_size > _QUICK_BYTES:
            continue
        table = pq.read_table(path)
        in_characters = weigh(encode_table(table), CHARACTERS)
        yield RealTable(path, table, weighed(args, table), in_characters)


def weighed(args: argparse.Namespace, table: pa.Table) -> Cells:
    """Return a table in tokens of the arguments' tokenizer."""
    found = args.tokenizer or args.data.parent / "tokenizers" / "gpt2" / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(found))

    def tokenize(texts: list[str]) -> list[list[int]]:
        return [encoding.ids for encoding in tokenizer.encode_batch(texts)]

    return weigh(encode_table(table), Measure(), tokenize)
