"""Turns rows into examples: draws a task, labels, names of columns and further fields."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sparkllm.demo_model.corpus import questions
from sparkllm.demo_model.corpus.example import Example
from sparkllm.demo_model.corpus.extracting import extraction
from sparkllm.demo_model.corpus.noise import typed
from sparkllm.demo_model.corpus.rendering import user_message
from sparkllm.demo_model.corpus.row import Row, Sentiment
from sparkllm.demo_model.corpus.spelling import respelled, words
from sparkllm.tasks import Call

_NAMES, _NAME_WEIGHTS = zip(*questions.TEXT_COLUMNS, strict=True)
_SENTIMENTS: tuple[Sentiment, ...] = ("positive", "negative", "neutral")
_UNKNOWN: Mapping[str, float] = {}
_MORE_FIELDS = 0.3
"""Share of the examples that show further columns of the row."""
_MOST_FIELDS = 4


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
        """Return a question with the row's own label among some of the given others."""
        assert row.label is not None
        others = [label for label in labels if label != row.label]
        if self._random.random() < 0.08:
            return self._about_one_label(row, others)
        count = min(len(others), self._random.choice((1, 2, 3, 5, 6, 7, 9, 9, 9, 9, 11, 14)))
        drawn = self._shuffled([row.label, *self._random.sample(others, count)])
        place = drawn.index(row.label)
        choices = respelled(drawn, self._random)
        if self._random.random() < 0.85:
            return self._classify(row, choices, choices[place])
        asked = self._random.choice(questions.INTENT_INSTRUCTIONS)
        text = asked.replace("<labels>", ", ".join(choices))
        return self._instruct(row, text, choices, choices[place])

    def about_parts(self, row: Row, names: Sequence[str]) -> Example:
        """Return a request for parts of the row's text as JSON.

        Args:
            row: with slots.
            names: all slots that such rows may have.
        """
        instruction, answer = extraction(row.slots, names, self._random)
        return self._instruct(row, instruction, (), answer)

    def about_title(self, row: Row, field: str) -> Example:
        """Return a request for a short title, answered by what `field` of the row says."""
        title = row.fields[field]
        fields = {name: value for name, value in row.fields.items() if name != field}
        instruction = self._random.choice(questions.TITLE_INSTRUCTIONS)
        return self._instruct(replace(row, fields=fields), instruction, (), title)

    def about_film(self, row: Row, genres: Sequence[str]) -> Example:
        """Return a question about several columns of a film or series."""
        draw = self._random.random()
        if draw < 0.5:
            film = self._random.random() < 0.5
            asked = questions.FILM_QUESTIONS if film else questions.SERIES_QUESTIONS
            return self._ask_yes_no(row, asked, (row.label == "Movie") == film)
        if draw < 0.65:
            choices = respelled(["Movie", "TV Show"], self._random)
            answer = choices[0] if row.label == "Movie" else choices[1]
            return self._classify(row, self._shuffled(choices), answer)
        own = row.fields["listed_in"].split(", ")
        fields = {name: value for name, value in row.fields.items() if name != "listed_in"}
        others = [genre for genre in genres if genre not in own]
        hidden = replace(row, fields=fields, label=self._random.choice(own))
        return self.about_label(hidden, [str(hidden.label), *others])

    def about_spam(self, row: Row) -> Example:
        """Return a question whether a message is spam."""
        if self._random.random() < 0.5:
            labels = self._random.choice(
                (("spam", "ham"), ("spam", "not spam"), ("spam", "normal"))
            )
            answer = labels[0] if row.label == "spam" else labels[1]
            return self._classify(row, self._shuffled(labels), answer)
        return self._ask_yes_no(row, questions.SPAM_QUESTIONS, row.label == "spam")

    def _about_one_label(self, row: Row, others: Sequence[str]) -> Example:
        holds = self._random.random() < 0.5
        label = str(row.label) if holds else self._random.choice(others)
        name = " ".join(words(label)).lower()
        asked = [question.replace("<label>", name) for question in questions.LABEL_QUESTIONS]
        return self._ask_yes_no(row, asked, holds)

    def _standard(self, row: Row) -> Example:
        assert row.sentiment is not None
        choices: list[str] = list(_SENTIMENTS)
        if self._random.random() < 0.5:
            choices = self._shuffled(choices)
        return self._classify(row, choices, row.sentiment, _beliefs(row, questions.STANDARD))

    def _renamed(self, row: Row) -> Example:
        assert row.sentiment is not None
        names = self._random.choice(questions.SENTIMENT_LABELS)
        choices = [names[sentiment] for sentiment in _SENTIMENTS]
        if self._random.random() < 0.2:
            choices.append(self._random.choice(questions.DISTRACTORS))
        answer = names[row.sentiment]
        return self._classify(row, self._shuffled(choices), answer, _beliefs(row, names))

    def _two_labels(self, row: Row) -> Example:
        assert row.sentiment is not None
        names = questions.STANDARD
        if self._random.random() < 0.5:
            names = self._random.choice(questions.SENTIMENT_LABELS)
        choices = self._shuffled([names["positive"], names["negative"]])
        return self._classify(row, choices, names[row.sentiment], _beliefs(row, names))

    def _yes_no(self, row: Row) -> Example:
        if row.recommended is not None and self._random.random() < 0.5:
            return self._ask_yes_no(row, questions.RECOMMEND_QUESTIONS, row.recommended)
        asked: Sentiment = self._random.choice(("positive", "negative"))
        holds = row.sentiment == asked
        likely = row.beliefs.get(asked)
        beliefs = {} if likely is None else {"yes": likely, "no": 1 - likely}
        return self._ask_yes_no(row, questions.YES_NO_QUESTIONS[asked], holds, beliefs)

    def _ask_yes_no(
        self,
        row: Row,
        asked: Sequence[str],
        holds: bool,
        beliefs: Mapping[str, float] = _UNKNOWN,
    ) -> Example:
        question = self._random.choice(asked) + self._random.choice(questions.ANSWER_WITH)
        return self._instruct(row, question, ("yes", "no"), "yes" if holds else "no", beliefs)

    def _free(self, row: Row) -> Example:
        assert row.sentiment is not None
        instruction = self._random.choice(questions.SENTIMENT_INSTRUCTIONS)
        beliefs = _beliefs(row, questions.STANDARD)
        return self._instruct(row, instruction, _SENTIMENTS, row.sentiment, beliefs)

    def _stars(self, row: Row) -> Example:
        instruction = self._random.choice(questions.STAR_INSTRUCTIONS)
        return self._instruct(row, instruction, ("1", "2", "3", "4", "5"), str(row.stars))

    def _classify(
        self,
        row: Row,
        choices: Sequence[str],
        answer: str,
        beliefs: Mapping[str, float] = _UNKNOWN,
    ) -> Example:
        _, values = self._values(row)
        call = Call("classify", tuple(values), {"labels": list(choices)})
        return _example(row, call, values, answer, beliefs)

    def _instruct(
        self,
        row: Row,
        text: str,
        choices: Sequence[str],
        answer: str,
        beliefs: Mapping[str, float] = _UNKNOWN,
    ) -> Example:
        column, values = self._values(row)
        instruction = text.format(column)
        options = {"labels": list(choices)} if choices else {}
        return _example(row, Call(instruction, tuple(values), options), values, answer, beliefs)

    def _values(self, row: Row) -> tuple[str, dict[str, str]]:
        column = self._random.choices(_NAMES, _NAME_WEIGHTS)[0]
        fields = [name for name in row.fields if name != column]
        chosen: list[str] = []
        if fields and self._random.random() < _MORE_FIELDS:
            most = min(_MOST_FIELDS, len(fields))
            chosen = self._random.sample(fields, self._random.randint(1, most))
        names = self._shuffled([column, *chosen])
        # Slots are cut from the text: it has to stay as it is.
        text = row.text if row.slots else typed(row.text, self._random)
        return column, {name: text if name == column else row.fields[name] for name in names}

    def _shuffled(self, items: Sequence[str]) -> list[str]:
        return self._random.sample(items, len(items))


def _example(
    row: Row,
    call: Call,
    values: Mapping[str, str],
    answer: str,
    beliefs: Mapping[str, float] = _UNKNOWN,
) -> Example:
    pieces, choices = user_message(call, values)
    believed = [beliefs.get(choice, 0.0) for choice in choices]
    total = sum(believed)
    return Example(
        row.source,
        pieces,
        answer,
        choices,
        tuple(share / total for share in believed) if total else (),
        features=row.features,
    )


def _beliefs(row: Row, names: Mapping[Sentiment, str]) -> dict[str, float]:
    return {names[sentiment]: share for sentiment, share in row.beliefs.items()}
