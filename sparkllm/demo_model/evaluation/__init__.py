"""How well the model does on rows it never saw, beside simple baselines."""

from sparkllm.demo_model.evaluation.answering import Answerer
from sparkllm.demo_model.evaluation.stability import StabilityCheck, stability_checks
from sparkllm.demo_model.evaluation.tasks import EvaluationTask, evaluation_tasks

__all__ = ["Answerer", "EvaluationTask", "StabilityCheck", "evaluation_tasks", "stability_checks"]
