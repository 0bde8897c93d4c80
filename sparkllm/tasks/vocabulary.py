"""What a call may say, as JSON for the analyzer: it is written into the extension's jar."""

import json
from dataclasses import asdict

from sparkllm.tasks.options import OPTIONS
from sparkllm.tasks.registry import task_names


def vocabulary() -> str:
    """Return the names of the tasks and the options with their types as a JSON object."""
    options = [asdict(option) for option in OPTIONS]
    return json.dumps({"tasks": task_names(), "options": options}, indent=1)
