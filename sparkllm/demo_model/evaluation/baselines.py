"""What a model has to beat: the commonest answer, and words weighed by a linear model."""

from collections import Counter

from sparkllm.demo_model.evaluation.tasks import EvaluationTask


def majority_answers(task: EvaluationTask) -> list[str]:
    """Return for every held-out example the commonest training answer among its choices."""
    counts = Counter(task.training_answers)
    return [max(example.choices, key=lambda choice: counts[choice]) for example in task.held_out]


def linear_answers(task: EvaluationTask) -> list[str] | None:
    """Return the answers of TF-IDF and logistic regression; None without scikit-learn.

    The baseline learns on this one task and picks the likeliest of an example's choices; the model
    does all tasks with one set of weights.
    """
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
    except ImportError:
        return None
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    pipeline = make_pipeline(words, LogisticRegression(C=10, max_iter=200))
    pipeline.fit(task.training_texts, task.training_answers)
    column = {str(label): place for place, label in enumerate(pipeline.classes_)}
    likely = pipeline.predict_proba(task.texts)
    return [
        max(example.choices, key=lambda choice: row[column[choice]] if choice in column else -1.0)
        for example, row in zip(task.held_out, likely, strict=True)
    ]
