"""Softer labels: what teachers, trained on the other rows, believe of a row.

A small decoder learns single rows by heart long before it has read enough of them. So it is taught
not the label alone but half label, half belief of teachers that have not seen the row (out of
fold): knowledge distillation (Hinton et al. 2015). The teachers are logistic regressions, on TF-IDF
of words and pieces of words and, where they are given, on features of a pretrained encoder. Rows
that nobody has labelled are taught as the teachers see them.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparkllm.demo_model.corpus.row import Row, Sentiment

_SENTIMENTS: tuple[Sentiment, ...] = ("negative", "neutral", "positive")
_FOLDS = 4
_SHARE = 0.5


def softened(
    rows: Sequence[Row],
    weights: Sequence[float],
    seed: int,
    features: NDArray[np.float32] | None = None,
) -> list[Row]:
    """Return the rows with beliefs about their sentiment.

    Rows without a sentiment get the one that the teachers find likeliest.

    Args:
        rows: rows, most with a sentiment.
        weights: how much each row counts, as it is asked about in the mixture, `[rows]`.
        seed: decides the folds.
        features: of a pretrained encoder, `[rows, features]`.
    """
    labels = np.array([_SENTIMENTS.index(row.sentiment or "neutral") for row in rows])
    labelled = np.array([row.sentiment is not None for row in rows])
    folds = _folds([row.text for row in rows], seed)
    counted = np.where(labelled, weights, 0.0)
    logs = np.log(_out_of_fold(_words(rows), labels, counted, folds, strength=3.0))
    if features is not None:
        scaled = (features - features.mean(0)) / (features.std(0) + 1e-6)
        seen = _out_of_fold(scaled, labels, counted, folds, strength=0.003)
        logs = (logs + np.log(seen)) / 2
    beliefs = np.exp(logs) / np.exp(logs).sum(1, keepdims=True)
    shares = np.where(labelled, _SHARE, 1.0)[:, None]
    targets = (1 - shares) * np.eye(len(_SENTIMENTS))[labels] + shares * beliefs
    return [
        replace(
            row,
            sentiment=row.sentiment or _SENTIMENTS[int(np.argmax(target))],
            beliefs=dict(zip(_SENTIMENTS, target.tolist(), strict=True)),
        )
        for row, target in zip(rows, targets, strict=True)
    ]


def _folds(texts: Sequence[str], seed: int) -> NDArray[np.int64]:
    """Return a fold for each text; copies of a text are in the same one."""
    drawn = np.random.default_rng(seed).integers(_FOLDS, size=len(texts))
    first: dict[str, int] = {}
    return drawn[[first.setdefault(text, place) for place, text in enumerate(texts)]]


def _words(rows: Sequence[Row]) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_union

    return make_union(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        TfidfVectorizer(
            analyzer="char_wb",
            ngram_range=(3, 5),
            min_df=4,
            sublinear_tf=True,
            max_features=100_000,
        ),
    ).fit_transform([row.text for row in rows])


def _out_of_fold(
    features: Any,
    labels: NDArray[np.int64],
    weights: NDArray[np.float64],
    folds: NDArray[np.int64],
    strength: float,
) -> NDArray[np.float64]:
    """Return the probabilities of `_SENTIMENTS` for each row, `[rows, 3]`."""
    from sklearn.linear_model import LogisticRegression

    predictions = np.full((len(labels), len(_SENTIMENTS)), 1e-6)
    for fold in range(_FOLDS):
        inside = folds == fold
        if not inside.any():
            continue
        outside = np.flatnonzero(~inside & (weights > 0))
        model = LogisticRegression(C=strength, max_iter=60, tol=1e-3)
        model.fit(features[outside], labels[outside], sample_weight=weights[outside])
        found = model.predict_proba(features[inside])
        predictions[np.ix_(inside, model.classes_)] = np.maximum(found, 1e-6)
    return predictions
