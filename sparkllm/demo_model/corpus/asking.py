"""Turns rows into examples: draws a task, labels, names of columns and further fields."""

import random
from collections.abc import Sequence

from sparkllm.demo_model.corpus import questions
from sparkllm.demo_model.corpus.example import Example
from sparkllm.demo_model.corpus.noise import typed
from sparkllm.demo_model.corpus.rendering import user_message
from sparkllm.demo_model.corpus.row import Row, Sentiment
from sparkllm.tasks import Call

_NAMES, _NAME_WEIGHTS = zip(*questions.TEXT_COLUMNS, strict=True)
_SENTIMENTS: tuple[Sentiment, ...] = ("positive", "negative", "neutral")


class Asker:
    """Asks about rows in ever new words, all from one seeded source of chance."""

    def __init__(self, random: random.Random) -> None:
        self._random = random

    def about_sentiment(self, row: Row) -> Example:
        """Return a question about the sentiment of a row."""
        draw = self._random.random()
        if draw < 0.50:
            return self._standard(row)
        if draw < 0.66:
            return self._renamed(row)
        if draw < 0.76:
            return self._two_labels(row) if row.sentiment != "neutral" else self._standard(row)
        if draw < 0.90:
            return self._yes_no(row)
        if draw < 0.95 or row.stars is None:
            return self._free(row)
        return self._stars(row)

    def about_label(self, row: Row, labels: Sequence[str]) -> Example:
        """Return a question with the row's own label among a few of the given others."""
        assert row.label is not None
        others = [label for label in labels if label != row.label]
        count = min(len(others), self._random.randint(1, 6))
        choices = self._shuffled([row.label, *self._random.sample(others, count)])
        return self._classify(row, choices, row.label)

    def about_spam(self, row: Row) -> Example:
        """Return a question whether a message is spam."""
        if self._random.random() < 0.5:
            labels = self._random.choice(
                (("spam", "ham"), ("spam", "not spam"), ("spam", "normal"))
            )
            answer = labels[0] if row.label == "spam" else labels[1]
            return self._classify(row, self._shuffled(labels), answer)
        return self._ask_yes_no(row, questions.SPAM_QUESTIONS, row.label == "spam")

    def _standard(self, row: Row) -> Example:
        assert row.sentiment is not None
        choices: list[str] = list(_SENTIMENTS)
        if self._random.random() < 0.5:
            choices = self._shuffled(choices)
        return self._classify(row, choices, row.sentiment)

    def _renamed(self, row: Row) -> Example:
        assert row.sentiment is not None
        names = self._random.choice(questions.SENTIMENT_LABELS)
        choices = [names[sentiment] for sentiment in _SENTIMENTS]
        if self._random.random() < 0.2:
            choices.append(self._random.choice(questions.DISTRACTORS))
        return self._classify(row, self._shuffled(choices), names[row.sentiment])

    def _two_labels(self, row: Row) -> Example:
        assert row.sentiment is not None
        names = questions.STANDARD
        if self._random.random() < 0.5:
            names = self._random.choice(questions.SENTIMENT_LABELS)
        choices = self._shuffled([names["positive"], names["negative"]])
        return self._classify(row, choices, names[row.sentiment])

    def _yes_no(self, row: Row) -> Example:
        if row.recommended is not None and self._random.random() < 0.5:
            return self._ask_yes_no(row, questions.RECOMMEND_QUESTIONS, row.recommended)
        asked: Sentiment = self._random.choice(("positive", "negative"))
        return self._ask_yes_no(row, questions.YES_NO_QUESTIONS[asked], row.sentiment == asked)

    def _ask_yes_no(self, row: Row, asked: Sequence[str], holds: bool) -> Example:
        question = self._random.choice(asked) + self._random.choice(questions.ANSWER_WITH)
        return self._instruct(row, question, ("yes", "no"), "yes" if holds else "no")

    def _free(self, row: Row) -> Example:
        assert row.sentiment is not None
        instruction = self._random.choice(questions.SENTIMENT_INSTRUCTIONS)
        return self._instruct(row, instruction, _SENTIMENTS, row.sentiment)

    def _stars(self, row: Row) -> Example:
        instruction = self._random.choice(questions.STAR_INSTRUCTIONS)
        return self._instruct(row, instruction, ("1", "2", "3", "4", "5"), str(row.stars))

    def _classify(self, row: Row, choices: Sequence[str], answer: str) -> Example:
        _, values = self._values(row)
        call = Call("classify", tuple(values), {"labels": list(choices)})
        return _example(row, call, values, answer)

    def _instruct(self, row: Row, text: str, choices: Sequence[str], answer: str) -> Example:
        column, values = self._values(row)
        instruction = text.format(column)
        call = Call(instruction, tuple(values), {"labels": list(choices)})
        return _example(row, call, values, answer)

    def _values(self, row: Row) -> tuple[str, dict[str, str]]:
        column = self._random.choices(_NAMES, _NAME_WEIGHTS)[0]
        fields = [name for name in row.fields if name != column]
        chosen: list[str] = []
        if fields and self._random.random() < 0.3:
            chosen = self._random.sample(fields, self._random.randint(1, min(4, len(fields))))
        names = self._shuffled([column, *chosen])
        text = typed(row.text, self._random)
        return column, {name: text if name == column else row.fields[name] for name in names}

    def _shuffled(self, items: Sequence[str]) -> list[str]:
        return self._random.sample(items, len(items))


def _example(row: Row, call: Call, values: dict[str, str], answer: str) -> Example:
    pieces, choices = user_message(call, values)
    return Example(row.source, pieces, answer, choices)
