"""The prefix exchange as Spark runs it: prefix hits kept in 8 partitions, and balance of work.

Every real table above 2,000 rows, as it is and with a value planted in 60% of its rows: the most
frequent one of the column whose repetition saves most. A call on all columns runs in Spark, fields
as written and in the order of the table's statistics; each of its partitions is written to a file,
and its distinct rows are counted by themselves, in tokens, as if it had an engine of its own.

    python -m benchmarks.prefix_exchange --data ../shared/data/tables [--parts N]
        [--tokenizer PATH] [--quick] [--json PATH]
"""

import argparse
import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

import sparkllm
from benchmarks.machine import machine
from benchmarks.prefix_partition import FEWEST_ROWS, LEAST_KEPT, MOST_BALANCE, PLANTED, Outcome
from benchmarks.real_tables import RealTable, add_arguments, real_tables, weighed
from sparkllm_optimizer.arrangement import saved_by_row, sort_rows
from sparkllm_optimizer.cells import Cells
from sparkllm_optimizer.pairs import pair_statistics

_ROW = "row_of_the_table"
_PREFIX = "spark.sparkllm.optimizer."


def planted(read: RealTable) -> pa.Table:
    """Return the table with one value in 60% of the rows."""
    cells, table = read.in_tokens, read.table
    column = int(np.argmax(pair_statistics(cells).saved))
    codes = cells.codes[:, column]
    example = int(np.flatnonzero(codes == np.bincount(codes).argmax())[0])
    chosen = np.random.default_rng(0).random(table.num_rows) < PLANTED
    rows = np.where(chosen, example, np.arange(table.num_rows))
    values = table.column(column).take(pa.array(rows))
    return table.set_column(column, table.column_names[column], values)


def parts_of(
    spark: SparkSession, table: pa.Table, folder: Path
) -> tuple[list[str], list[np.ndarray]]:
    """Run a call on all columns; return the order of its fields, and the rows of each partition."""
    spark.sql("DROP TABLE IF EXISTS exchanged")
    numbered = table.append_column(_ROW, pa.array(np.arange(table.num_rows)))
    pq.write_table(numbered, folder / "table.parquet")
    spark.read.parquet(str(folder / "table.parquet")).write.saveAsTable("exchanged")
    spark.sql("ANALYZE TABLE exchanged COMPUTE STATISTICS FOR ALL COLUMNS")
    columns = ", ".join(f"`{name}`" for name in table.column_names)
    query = f"SELECT llm('classify', {columns}) AS answer, {_ROW} FROM exchanged"
    plan = str(spark.sql(f"EXPLAIN {query}").head()[0])
    (fields,) = re.findall(r"instruction first, fields (.*), rules", plan)
    order = table.column_names if fields == "as written" else fields.split(", ")
    out = folder / "parts"
    spark.sql(query).write.mode("overwrite").parquet(str(out))
    files = sorted(out.glob("*.parquet"))
    return order, [pq.read_table(file).column(_ROW).to_numpy() for file in files]


def outcome(
    case: str, cells: Cells, order: Sequence[str], parts: list[np.ndarray], wanted: int
) -> Outcome:
    """Count each part by itself, and all rows together."""
    columns = [cells.names.index(name) for name in order]

    def counted(rows: np.ndarray) -> tuple[int, int]:
        part = cells.take(rows[np.unique(cells.codes[rows], axis=0, return_index=True)[1]])
        served = int(saved_by_row(sort_rows(part, columns), part).sum())
        return served, part.total() - served

    whole, _ = counted(np.arange(cells.rows))
    served, work = zip(*(counted(rows) for rows in parts), strict=True)
    return Outcome(case, 100 * sum(served) / max(whole, 1), max(work) * wanted / sum(work))


def outcomes(spark: SparkSession, args: argparse.Namespace) -> Iterator[Outcome]:
    """Measure all tables that are large enough."""
    for read in real_tables(args):
        if read.in_tokens.rows <= FEWEST_ROWS:
            continue
        for kind, table in (("", read.table), (", planted", planted(read))):
            cells = weighed(args, table)
            for order in ("asWritten", "perQuery"):
                spark.conf.set(f"{_PREFIX}columnOrder", order)
                with tempfile.TemporaryDirectory() as folder:
                    fields, parts = parts_of(spark, table, Path(folder))
                yield outcome(f"{read.name}{kind}, {order}", cells, fields, parts, args.parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser)
    parser.add_argument("--parts", type=int, default=8)
    parser.add_argument("--json", type=Path, help="write flat records here")
    args = parser.parse_args()
    print(machine())
    print(f"{args.parts} partitions (targets: {LEAST_KEPT:g}% kept, balance {MOST_BALANCE:g})")
    made = []
    with tempfile.TemporaryDirectory(prefix="slm") as directory:
        spark = sparkllm.session(
            "local[2]",
            config={
                "spark.ui.enabled": "false",
                "spark.ui.showConsoleProgress": "false",
                "spark.log.level": "ERROR",
                "spark.sql.warehouse.dir": f"{directory}/warehouse",
                "spark.executorEnv.PYTHONPATH": str(Path(__file__).parents[1]),
                "spark.sparkllm.engine.implementation": "benchmarks.instant_engine:InstantEngine",
                "spark.sparkllm.engine.directory": directory,
                f"{_PREFIX}prefixExchange.minRows": "1",
                f"{_PREFIX}prefixExchange.partitions": str(args.parts),
            },
        )
        for result in outcomes(spark, args):
            print(
                f"  {result.case:46} {result.kept:7.2f}% kept, balance {result.balance:.3f}",
                flush=True,
            )
            for metric, value, unit in (
                ("kept", result.kept, "%"),
                ("balance", result.balance, ""),
            ):
                made.append(
                    {"benchmark": "prefix_exchange", "case": result.case, "system": "ours",
                     "metric": metric, "value": value, "unit": unit}
                )  # fmt: skip
        spark.stop()
    if args.json:
        args.json.write_text("\n".join(map(json.dumps, made)) + "\n")


if __name__ == "__main__":
    main()
