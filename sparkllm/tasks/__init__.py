"""Tasks: what a call asks for, as data. A task is a template, an answer type and defaults."""

from sparkllm.tasks.call import Call, CallError
from sparkllm.tasks.prompt import Prompt, prompt_for
from sparkllm.tasks.registry import Task, task_named, task_names
from sparkllm.tasks.vocabulary import vocabulary

__all__ = [
    "Call",
    "CallError",
    "Prompt",
    "Task",
    "prompt_for",
    "task_named",
    "task_names",
    "vocabulary",
]
