"""What progress says of the work since some moment."""

import re
import time

from sparkllm.ledger import Ledger, Usage
from sparkllm.work_since import WorkSince


def test_rows_before_and_rows_of_other_passes_are_not_counted_twice() -> None:
    ledger = Ledger()
    ledger.add("1", Usage(rows=10))
    work = WorkSince(ledger)
    for calls, rows in (("a", 6), ("b", 4)):
        ledger.task_began(calls, "2", calls, rows)
        ledger.add("2", Usage(rows=rows), calls, calls)
    assert work.rows() == (6, 6)


def test_queries_at_once_are_added_up_and_one_of_unknown_size_makes_the_whole_unknown() -> None:
    ledger = Ledger()
    work = WorkSince(ledger)
    for query, rows in (("1", 10), ("2", 20)):
        ledger.task_began(query, query, "", rows)
        ledger.under_way(query, 5, query)
    assert work.rows() == (10, 30)
    ledger.task_began("3", "3", "", None)
    assert work.rows() == (10, None)


def test_a_later_pass_of_a_query_counts_from_its_own_beginning() -> None:
    ledger = Ledger()
    ledger.task_began("a", "1", "a", 100)
    ledger.add("1", Usage(rows=100), "a", "a")
    work = WorkSince(ledger)
    ledger.task_began("b", "1", "b", 50)
    ledger.under_way("b", 20, "1", "b")
    assert work.rows() == (20, 50)


def test_the_time_left_is_that_of_the_rest_at_the_rate_so_far() -> None:
    ledger = Ledger()
    work = WorkSince(ledger)
    assert work.left == ""
    ledger.task_began("a", "1", "", 36_000)
    time.sleep(0.2)
    ledger.under_way("a", 1, "1")
    work.rest(time.monotonic())  # no time passes from here on
    expected = round(35_999 * work.seconds)
    hours, minutes, seconds = map(int, work.left.split(":"))
    assert hours * 3600 + minutes * 60 + seconds == expected


def test_the_pace_is_that_of_the_time_in_which_there_was_work() -> None:
    ledger = Ledger()
    work = WorkSince(ledger)
    time.sleep(0.2)
    ledger.add(
        "1", Usage(calls=5, stored=15, prompt_tokens=1000, cached_tokens=250, errors={"E": 2})
    )
    work.rest(time.monotonic())
    told = work.cost
    time.sleep(0.2)
    assert work.cost == told
    pattern = r"5 calls, ([\d,]+) tokens/s, 25% from cache, 75% from store, 2 errors"
    found = re.fullmatch(pattern, told)
    assert found and int(found[1].replace(",", "")) <= 5000
