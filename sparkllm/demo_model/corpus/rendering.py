"""From a call and a row to the pieces of the user message, by the product's own templates."""

from collections.abc import Mapping

from sparkllm.tasks import Call, prompt_for
from sparkllm.tasks.prompt import Literal
from sparkllm.tasks.rendering import render_fields, render_values


def user_message(
    call: Call, values: Mapping[str, object]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the pieces of the user message and the closed set of answers.

    Args:
        call: The call; its columns are names in `values`.
        values: The row.
    """
    prompt = prompt_for(call)
    pieces = [
        part.text if isinstance(part, Literal) else render_values([values[part.column]])[0]
        for part in prompt.head
    ]
    pieces += [render_fields(name, [values[name]])[0] for name in prompt.fields]
    return tuple(pieces), prompt.choices
