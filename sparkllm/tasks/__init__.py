"""Tasks: what a call asks for, as data. A task is a template, an answer type and defaults."""

from sparkllm.tasks.call import Call
from sparkllm.tasks.call_error import CallError
from sparkllm.tasks.prompt import Prompt, prompt_for
from sparkllm.tasks.registration import register
from sparkllm.tasks.registry import task_named, task_names, tasks
from sparkllm.tasks.task import Task
from sparkllm.tasks.vocabulary import vocabulary

__all__ = [
    "Call",
    "CallError",
    "Prompt",
    "Task",
    "prompt_for",
    "register",
    "task_named",
    "task_names",
    "tasks",
    "vocabulary",
]
