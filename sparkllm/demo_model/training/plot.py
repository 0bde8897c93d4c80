"""The loss over the run, as a picture."""

from collections.abc import Sequence
from pathlib import Path


def plot_losses(history: Sequence[tuple[int, int, float, float, float]], path: Path) -> bool:
    """Write a plot of a run's history, see `Progress`; False without matplotlib."""
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5))
    millions = [tokens / 1e6 for _, tokens, *_ in history]
    for column, name in ((2, "answer"), (3, "row text")):
        axes.plot(millions, _smooth([float(point[column]) for point in history]), label=name)
    axes.set_xlabel("million tokens")
    axes.set_ylabel("cross entropy, nats per token")
    axes.set_yscale("log")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
    return True


def _smooth(values: Sequence[float], weight: float = 0.98) -> list[float]:
    smooth, mean, mass = [], 0.0, 0.0
    for value in values:
        mean = weight * mean + (1 - weight) * value
        mass = weight * mass + (1 - weight)
        smooth.append(mean / mass)
    return smooth
