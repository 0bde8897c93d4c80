"""Answers from a closed set, by the log-probability the model gives to each choice."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoTokenizer

from sparkllm.demo_model.corpus.example import Example
from sparkllm.demo_model.prompting import PromptEncoder

_TOKENS = 8192


class Scorer:
    """Picks answers with a model of transformers."""

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._encoder = PromptEncoder(self._tokenizer)
        self._model = AutoModelForCausalLM.from_pretrained(folder).to(device).eval()
        self._device = device

    def answers(self, examples: Sequence[Example]) -> list[str]:
        """Return the likeliest choice for each example, in order."""
        sequences: list[tuple[int, int, list[int], list[int]]] = []
        for number, example in enumerate(examples):
            prompt = self._encoder.prompt(example.pieces)
            tails = [self._encoder.answer(choice) for choice in example.choices]
            if len({tail[0] for tail in tails}) == len(tails):
                # The first token decides; nothing branches after it.
                sequences.append((number, -1, prompt, [tail[0] for tail in tails]))
            else:
                sequences += [(number, index, prompt, tail) for index, tail in enumerate(tails)]
        scores = [[0.0] * len(example.choices) for example in examples]
        for batch in _batches(sequences):
            self._score(batch, scores)
        return [
            example.choices[max(range(len(row)), key=row.__getitem__)]
            for example, row in zip(examples, scores, strict=True)
        ]

    @torch.inference_mode()
    def _score(
        self, batch: list[tuple[int, int, list[int], list[int]]], scores: list[list[float]]
    ) -> None:
        rows = [prompt if index < 0 else prompt + tail for _, index, prompt, tail in batch]
        longest = max(map(len, rows))
        pad = self._tokenizer.pad_token_id
        ids = torch.tensor([row + [pad] * (longest - len(row)) for row in rows])
        hidden = self._model.base_model(ids.to(self._device), use_cache=False).last_hidden_state
        head = self._model.get_output_embeddings()
        for row, (number, index, prompt, tail) in zip(hidden, batch, strict=True):
            last = len(prompt) - 1
            if index < 0:
                scores[number] = head(row[last]).float()[tail].tolist()
            else:
                logits = head(row[last : last + len(tail)]).float()
                tokens = torch.tensor(tail, device=logits.device)
                scores[number][index] = -cross_entropy(logits, tokens, reduction="sum").item()


def _batches(
    sequences: list[tuple[int, int, list[int], list[int]]],
) -> Iterator[list[tuple[int, int, list[int], list[int]]]]:
    batch: list[tuple[int, int, list[int], list[int]]] = []
    for sequence in sorted(sequences, key=lambda item: len(item[2]) + len(item[3])):
        length = len(sequence[2]) + len(sequence[3])
        if batch and (len(batch) + 1) * length > _TOKENS:
            yield batch
            batch = []
        batch.append(sequence)
    if batch:
        yield batch
