"""A long query shows on the terminal how far it is, though nobody asked."""

import re
import tempfile

import pytest

from tests.terminal import on_terminal, without_bar

_PROGRAM = """
import sparkllm
from sparkllm.functions import llm

spark = sparkllm.session("local[2]", config={
    "spark.ui.enabled": "false",
    "spark.sparkllm.engine.implementation": "tests.engines:SlowDigestEngine",
    "spark.sparkllm.engine.directory": "DIRECTORY",
})
rows = spark.range(1500, numPartitions=2).selectExpr("concat('row ', id) AS x")
rows.select(llm("Say it: {x}", "x")).write.format("noop").mode("overwrite").save()
spark.stop()
"""


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_long_query_shows_rows_of_all_rows_and_the_time_left() -> None:
    with tempfile.TemporaryDirectory(prefix="slm", ignore_cleanup_errors=True) as directory:
        written = without_bar(on_terminal(_PROGRAM.replace("DIRECTORY", directory)))
    assert re.search(r"llm ━ +[1-9]\d\d/1,500 rows 0:00:\d\d left 0:00:\d\d", written), written
    assert re.search(r"llm ━ +1,500/1,500 rows", written), written
    assert "1,500 calls" in written
    assert "[Stage" not in written
