"""What a model has to beat: the commonest answer, and words weighed by a linear model."""

from collections import Counter
from collections.abc import Sequence

from sparkllm.demo_model.evaluation.tasks import EvaluationTask


def majority_answers(task: EvaluationTask) -> list[str]:
    """Return the commonest training answer for every held-out example."""
    commonest = Counter(task.training_answers).most_common(1)[0][0]
    return [commonest] * len(task.held_out)


def linear_answers(task: EvaluationTask) -> list[str] | None:
    """Return the answers of TF-IDF and logistic regression; None without scikit-learn.

    The baseline learns on this one task; the model does all of them with one set of weights.
    """
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
    except ImportError:
        return None
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    pipeline = make_pipeline(words, LogisticRegression(C=10, max_iter=1000))
    pipeline.fit(task.training_texts, task.training_answers)
    return [str(answer) for answer in pipeline.predict(task.texts)]


def accuracy(answers: Sequence[str], truth: Sequence[str]) -> float:
    """Return the share of right answers."""
    return sum(a == t for a, t in zip(answers, truth, strict=True)) / len(truth)


def balanced_accuracy(answers: Sequence[str], truth: Sequence[str]) -> float:
    """Return the mean over the true classes of the share answered right."""
    sizes = Counter(truth)
    right = Counter(t for a, t in zip(answers, truth, strict=True) if a == t)
    return sum(right[label] / size for label, size in sizes.items()) / len(sizes)
