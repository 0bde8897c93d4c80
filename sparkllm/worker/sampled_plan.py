"""What the optimizer says about a sample of a query's inputs, for all of its tasks.

Spark runs this once, over one partition of distinct inputs, before the exchange of a query's rows.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from sparkllm.worker.batches import Arguments, answer_batches
from sparkllm.worker.question import Question, questions
from sparkllm.worker.settings import task_settings
from sparkllm_optimizer import PlanOptions, common_order, part_beginnings


class PlanFunction:
    """Tells in which order the columns begin the prompts, and which inputs begin a partition.

    Its argument is the struct of the calls' arguments, its result a struct for each input: `order`,
    the positions of the arguments, in the first input and in those that begin a partition; and
    `begins`, whether this is one. The JSON has the number of `parts`, and the `order` where it is
    known already.
    """

    def __init__(self, calls_json: str) -> None:
        self.calls_json = calls_json

    def __reduce__(self) -> tuple[type["PlanFunction"], tuple[str]]:
        return PlanFunction, (self.calls_json,)

    def __call__(self, batches: Iterable[Any]) -> Iterator[Any]:
        return answer_batches(batches, self._answer)

    def _answer(self, batches: Iterator[Arguments]) -> Iterator[pa.Array]:
        structs = [struct for (struct,) in batches]
        sample = inputs_of(structs)
        body = json.loads(self.calls_json)
        order = body.get("order") or prompt_order(
            questions(self.calls_json), sample, task_settings().plan
        )
        begins = np.zeros(sample.num_rows, bool)
        begins[part_beginnings(sample, order, body["parts"])] = True
        told = begins.copy()
        told[:1] = True
        orders = pa.array([order if tell else None for tell in told], pa.list_(pa.int32()))
        plans = pa.StructArray.from_arrays([orders, pa.array(begins)], ["order", "begins"])
        start = 0
        for struct in structs:
            yield plans.slice(start, len(struct))
            start += len(struct)


def inputs_of(structs: Sequence[pa.StructArray]) -> pa.Table:
    """Return the fields of structs as columns, named by their positions."""
    columns = list(zip(*(struct.flatten() for struct in structs), strict=True))
    return pa.table({str(place): pa.chunked_array(chunks) for place, chunks in enumerate(columns)})


def prompt_order(
    questions: Sequence[Question], sample: pa.Table, options: PlanOptions
) -> list[int]:
    """Return the positions of all columns as they begin the prompts of these questions.

    Columns with a slot in the instruction come first, in its order.
    """
    slots: list[int] = []
    for question in questions:
        place = dict(zip(question.call.columns, question.arguments, strict=True))
        slots += [place[column] for column in question.slots]
    first = list(dict.fromkeys(slots))
    if options.column_order == "asWritten":
        return [*first, *(place for place in range(sample.num_columns) if place not in first)]
    return common_order(sample, first, options)
