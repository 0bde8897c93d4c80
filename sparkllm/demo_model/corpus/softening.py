"""Softer labels: what a linear model, trained on the other rows, says of a row.

A small decoder learns single rows by heart long before it has read enough of them. Half of the
times a row is asked about, its label is drawn from the prediction of TF-IDF and logistic regression
that has not seen the row (out of fold), so that in the mean the target is half label, half
prediction: knowledge distillation (Hinton et al. 2015) with drawn instead of soft targets.
"""

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sparkllm.demo_model.corpus.row import Row, Sentiment

_SENTIMENTS: tuple[Sentiment, ...] = ("negative", "neutral", "positive")
_FOLDS = 4
_SHARE = 0.5


class Softener:
    """Predictions for rows with a sentiment, and draws from them.

    Args:
        rows: all rows to learn from, of all sets.
        weights: how much each row counts, as it is asked about in the mixture, `[rows]`.
        seed: decides the folds.
    """

    def __init__(self, rows: Sequence[Row], weights: Sequence[float], seed: int) -> None:
        predictions = _out_of_fold(rows, np.asarray(weights), seed)
        self._predictions = dict(zip((row.text for row in rows), predictions, strict=True))

    def draw(self, row: Row, chance: random.Random) -> Row:
        """Return the row, or the row with a sentiment drawn from its prediction."""
        prediction = self._predictions.get(row.text)
        if prediction is None or chance.random() >= _SHARE:
            return row
        drawn = chance.choices(_SENTIMENTS, prediction.tolist())[0]
        if drawn == row.sentiment:
            return row
        return replace(row, sentiment=drawn, stars=None, recommended=None)


def _out_of_fold(
    rows: Sequence[Row], weights: NDArray[np.float64], seed: int
) -> NDArray[np.float64]:
    """Return the probabilities of `_SENTIMENTS` for each row, `[rows, 3]`."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_union

    features = make_union(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        TfidfVectorizer(
            analyzer="char_wb",
            ngram_range=(3, 5),
            min_df=4,
            sublinear_tf=True,
            max_features=100_000,
        ),
    ).fit_transform([row.text for row in rows])
    labels = np.array([_SENTIMENTS.index(row.sentiment or "neutral") for row in rows])
    folds = np.random.default_rng(seed).integers(_FOLDS, size=len(rows))
    predictions = np.empty((len(rows), len(_SENTIMENTS)))
    for fold in range(_FOLDS):
        inside = folds == fold
        model = LogisticRegression(C=1.0, max_iter=60, tol=1e-3)
        model.fit(features[~inside], labels[~inside], sample_weight=weights[~inside])
        predictions[inside] = model.predict_proba(features[inside])
    return predictions
