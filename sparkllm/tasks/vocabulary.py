"""What a call may say, as JSON for the analyzer: it is written into the extension's jar."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sparkllm.tasks.options import OPTIONS
from sparkllm.tasks.registry import tasks


def vocabulary(functions: Sequence[Mapping[str, Any]]) -> str:
    """Return tasks, options with their types, and SQL functions as a JSON object.

    Args:
        functions: how each function reads and is described, see `sparkllm.functions.declared`.
    """
    return json.dumps(
        {
            "tasks": [task.to_dict() for task in tasks()],
            "options": [asdict(option) for option in OPTIONS],
            "functions": list(functions),
        },
        indent=1,
    )
