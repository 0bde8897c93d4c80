"""The errors of rows, documented: `python -m sparkllm.row_errors` prints `docs/errors.md`."""

from sparkllm_engine.errors import RowErrorCode

_TEXT = """\
# Errors of rows

Made by `make docs` from `engine/sparkllm_engine/errors.py` and `sparkllm/row_errors.py`; edit
those.

A wrong *call* (an unknown option, a placeholder without a column) is refused by the analyzer before
anything runs. A *row* that has no answer never fails a query unless the call says so:

| option | a row with an error |
|---|---|
| (default), `on_error => 'null'` | is NULL, counted in `sparkllm.usage(spark)` and logged |
| `on_error => 'fail'` | ends the query; the first line of the exception has code and message |
| `on_error => 'detail'` | every answer is a struct, see below |
| `max_error_ratio => 0.05` | is NULL or has its detail; a task with more of them fails |

`max_error_ratio` holds for each task, not for the query: when a task has read all rows of its
partition, those that are NULL or that a guard skipped included, and more of them than the share
ended in an error, it fails. So

- a query that succeeds with all rows read has no larger share of errors;
- a query may fail with fewer in all, where they are together in one partition: one error among
  ten rows is a tenth, whatever the other partitions hold. Rows that are alike do come together
  (`spark.sparkllm.optimizer.prefixExchange.enabled`). Where partitions are small, or for a limit of
  the query as a whole, count: `count_if(d.error IS NOT NULL) / count(*)` over the details;
- a task whose last rows nobody reads, below a `LIMIT`, is not looked at;
- Spark runs a task that failed again, `spark.task.maxFailures` times in all. Rows that are answered
  already are not asked again.

```sql
SELECT id, r.value, r.error.code, r.error.message, r.usage.prompt_tokens
FROM (SELECT id, llm('classify', review, on_error => 'detail') AS r FROM reviews)
```

The detail is NULL where no model was asked (all columns NULL), else

```
STRUCT<value, error STRUCT<code, message>, finish_reason,
       usage STRUCT<prompt_tokens, cached_tokens, output_tokens>,
       cut ARRAY<STRUCT<column, characters>>>
```

Of rows that share one answer, the first has its tokens and the others 0, so that sums are what was
spent; an answer that the engine remembers costs 0.

## Rows that are too long

`overflow => 'error'` (default) makes them `OVERFLOW`. With `overflow => 'truncate'` the longest
text columns of the row are cut at their end to one length, marked with `…`, until the prompt fits;
numbers, arrays and the instruction are never cut. `cut` in the detail says how many characters of
which column were left out.

## Groups

`llm_agg` and `llm_summarize_agg` ask about a large group in several prompts. When one of them ends
in an error, so does the group: its message begins with which part that was, and the other groups
go on. A text that is too long for a prompt goes into several, so `OVERFLOW` means that the
instruction is too long, or two of the answers to be put together are. `usage` in the detail is that
of all prompts of the group.

## Codes

*passing*: the same row may be answered when the query runs again.

"""


def document() -> str:
    """Return `docs/errors.md`."""
    rows = [
        f"| `{code}` | {code.meaning} | {code.remedy} | {'yes' if code.is_passing else ''} |"
        for code in RowErrorCode
    ]
    table = ["| code | what happened | what to do | passing |", "|---|---|---|---|", *rows]
    return _TEXT + "\n".join(table) + "\n"


if __name__ == "__main__":
    import sys

    sys.stdout.write(document())
