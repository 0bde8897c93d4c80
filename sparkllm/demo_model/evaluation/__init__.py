"""How well the model does on rows it never saw, beside simple baselines."""

from sparkllm.demo_model.evaluation.scoring import Scorer
from sparkllm.demo_model.evaluation.tasks import EvaluationTask, evaluation_tasks

__all__ = ["EvaluationTask", "Scorer", "evaluation_tasks"]
