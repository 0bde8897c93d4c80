"""Prompts given in pieces, each distinct piece tokenised once.

A table repeats itself: all rows share the instruction, many share cells. No token reaches over the
end of a line, at least for tokenizers that cut text into words first; so lines are tokenised one by
one, remembered, and joined. Tokenizers that read some lines otherwise are given whole prompts.
"""

import re
from collections.abc import Sequence
from enum import Enum, auto
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

Tokens = NDArray[np.int32]

# Characters of the lines that are remembered.
_REMEMBERED = 1 << 24
_ENDS = ("Classify the input.\n\n", 'review: "It fits."\n', "size: 12\n", "color: null\n", "été\n")
_STARTS = (
    "review: 1",
    "Ärger: 1",
    '"a b": 1',
    "1: 2",
    "_x: 1",
    "名: 1",
    "(a): 1",
    "- b: 1",
    "don't",
)


# A newline in a token, plain or as byte-level tokenizers write it.
_NEWLINES = ("\n", "Ċ")
_OVER_A_LINE = re.compile(r"\n\S")


class Cut(Enum):
    """Where a prompt is cut at a piece that ends with its line.

    Of several newlines before a word, some tokenizers make one token (`AFTER`), others set the last
    one apart from whatever white space stands before it (`BEFORE_LAST`).
    """

    NOWHERE = auto()
    AFTER = auto()
    BEFORE_LAST = auto()


class PieceEncoder:
    """Turns prompts in pieces into token ids.

    Attributes:
        cut: where prompts are cut into the texts that are tokenised one by one.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._known: dict[str, Tokens] = {}
        self._size = 0
        self.cut = Cut.NOWHERE
        if not self._reaches_over_lines():
            self.cut = next(filter(self._is_exact, (Cut.AFTER, Cut.BEFORE_LAST)), Cut.NOWHERE)

    def encode(self, prompts: Sequence[Sequence[str]]) -> list[Tokens | Exception]:
        """Return the token ids of each prompt, its pieces laid end to end, or what is wrong."""
        lines = [self._checked_lines(pieces) for pieces in prompts]
        known = self._known
        if self._size > _REMEMBERED:
            known.clear()
            self._size = 0
        new = {
            line
            for of_prompt in lines
            if not isinstance(of_prompt, Exception)
            for line in of_prompt
            if line not in known
        }
        failed = self._learn(list(new))
        return [self._joined(of_prompt, failed) for of_prompt in lines]

    def _reaches_over_lines(self) -> bool:
        """Whether some token has a word behind a newline."""
        tokens = self._tokenizer.get_vocab().items()
        with_newline = [i for token, i in tokens if any(n in token[:-1] for n in _NEWLINES)]
        return any(_OVER_A_LINE.search(self._tokenizer.decode([i])) for i in with_newline)

    def _is_exact(self, cut: Cut) -> bool:
        """Whether some lines are tokenised in this way as they are in one text."""
        self.cut = cut
        prompts = [(end, start) for end in _ENDS for start in _STARTS]
        whole = self._encode_all(["".join(prompt) for prompt in prompts])
        parts = [self._encode_all(self._lines(prompt)) for prompt in prompts]
        return all(
            ids.tolist() == np.concatenate(lines).tolist()
            for ids, lines in zip(whole, parts, strict=True)
        )

    def _lines(self, pieces: Sequence[str]) -> list[str]:
        """Return the texts that are tokenised one by one.

        Raises:
            TypeError: a piece is no text.
        """
        whole = "".join(pieces)
        if self.cut is Cut.NOWHERE:
            return [whole]
        lines = []
        start = position = 0
        for before, after in pairwise(pieces):
            position += len(before)
            if after and before.endswith("\n") and not after[0].isspace():
                back = self.cut is Cut.BEFORE_LAST
                lines.append(whole[start : position - back])
                start = position - back
        lines.append(whole[start:])
        return lines

    def _checked_lines(self, pieces: Sequence[str]) -> list[str] | Exception:
        try:
            return self._lines(pieces)
        except TypeError as error:
            return error

    def _learn(self, lines: list[str]) -> dict[str, Exception]:
        """Tokenise lines; return those that can't be."""
        try:
            self._known |= zip(lines, self._encode_all(lines), strict=True)
        except Exception as error:
            if len(lines) == 1:
                return {lines[0]: error}
            failed: dict[str, Exception] = {}
            for line in lines:
                failed |= self._learn([line])
            return failed
        self._size += sum(map(len, lines))
        return {}

    def _encode_all(self, texts: Sequence[str]) -> list[Tokens]:
        for text in texts:
            text.encode()
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [np.array(encoding.ids, np.int32) for encoding in encodings]

    def _joined(
        self, lines: list[str] | Exception, failed: dict[str, Exception]
    ) -> Tokens | Exception:
        if isinstance(lines, Exception):
            return lines
        for line in lines:
            if line in failed:
                return failed[line]
        if len(lines) == 1:
            return self._known[lines[0]]
        return np.concatenate([self._known[line] for line in lines])
