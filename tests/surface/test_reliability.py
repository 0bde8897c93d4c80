"""The fault matrix of docs/reliability.md names tests that there are."""

import ast
import re
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_NAME = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_every_fault_in_the_matrix_names_tests_that_exist() -> None:
    text = (_ROOT / "docs" / "reliability.md").read_text()
    faults = [line for line in text.split("## Faults")[1].splitlines() if line.startswith("|")][2:]
    assert len(faults) > 20
    for fault in faults:
        named = _NAME.findall(fault)
        assert named, fault
        for path, name in named:
            module = ast.parse((_ROOT / path).read_text())
            assert name in {one.name for one in module.body if isinstance(one, ast.FunctionDef)}
