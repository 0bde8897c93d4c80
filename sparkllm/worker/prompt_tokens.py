"""Prompts as the token ids that the engine would compute, without the engine."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import jinja2.sandbox
import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from sparkllm.client import EngineSettings
from sparkllm.tasks import CallError
from sparkllm.worker.model_files import file_of, tokenizer_of
from sparkllm_engine.pieces import PieceEncoder

Tokens = NDArray[np.int32]

_MESSAGE = "\ue000sparkllm\ue000"


class PromptTokens:
    """Tokenises prompts for one engine.

    Prompts for a service, whose tokenizer isn't known, count a token for four bytes.

    Args:
        settings: of the engine.

    Attributes:
        of_service: whether a service answers.
    """

    def __init__(self, settings: EngineSettings) -> None:
        self.of_service = settings.remote is not None
        self._encoder: PieceEncoder | None = None
        self._before: Tokens = np.empty(0, np.int32)
        self._after: Tokens = self._before
        if settings.remote is None:
            try:
                tokenizer = tokenizer_of(settings.model)
            except CallError:
                return
            self._encoder = PieceEncoder(tokenizer)
            self._before, self._after = _template(settings.model)

    def encode(self, prompts: Sequence[Sequence[str]]) -> list[Tokens]:
        """Return the token ids of prompts in pieces; those that can't be tokenised are left out."""
        if self._encoder is None:
            return [_words("".join(pieces)) for pieces in prompts]
        return [
            np.concatenate([self._before, ids, self._after])
            for ids in self._encoder.encode(prompts)
            if not isinstance(ids, Exception)
        ]

    def count(self, text: str) -> int:
        """Return the tokens of a text."""
        if self._encoder is None:
            return len(_words(text))
        (ids,) = self._encoder.encode([[text]])
        return 0 if isinstance(ids, Exception) else len(ids)

    @property
    def opening(self) -> int:
        """Tokens of the chat template before the text of a prompt."""
        return len(self._before)

    @property
    def closing(self) -> int:
        """Tokens of the chat template behind the text of a prompt."""
        return len(self._after)


def _words(text: str) -> Tokens:
    encoded = text.encode(errors="replace")
    return np.frombuffer(encoded + bytes(-len(encoded) % 4), np.int32)


@cache
def _template(model: str) -> tuple[Tokens, Tokens]:
    """Return the token ids before and after a user message; none where there is no template."""
    nothing = np.empty(0, np.int32)
    try:
        found = file_of(model, "tokenizer_config.json")
        configuration: Mapping[str, Any] = json.loads(found.read_text())
        source = (
            configuration.get("chat_template") or found.with_name("chat_template.jinja").read_text()
        )
        environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True
        )
        tokens = {name: text for name, text in configuration.items() if name.endswith("_token")}
        rendered = environment.from_string(source).render(
            messages=[{"role": "user", "content": _MESSAGE}],
            add_generation_prompt=True,
            enable_thinking=False,
            **{name: text for name, text in tokens.items() if isinstance(text, str)},
        )
        special = Tokenizer.from_file(str(file_of(model, "tokenizer.json")))
    except (OSError, KeyError, ValueError, TypeError, jinja2.TemplateError):
        return nothing, nothing
    before, _, after = rendered.partition(_MESSAGE)
    encoded = [special.encode(text, add_special_tokens=False).ids for text in (before, after)]
    return np.array(encoded[0], np.int32), np.array(encoded[1], np.int32)
