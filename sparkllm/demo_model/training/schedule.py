"""How the learning rate and the weights of the losses move as training goes on."""

_WARM_UP = 0.03
_LAST = 0.02


def learning_rate(progress: float, peak: float) -> float:
    """Return the rate at a progress from 0 to 1: a short rise, then a straight line down."""
    if progress < _WARM_UP:
        return peak * (0.05 + 0.95 * progress / _WARM_UP)
    left = (1 - progress) / (1 - _WARM_UP)
    return peak * max(_LAST, left)


def text_weight(progress: float) -> float:
    """Return the weight of the language modelling loss: first the layers grow together again."""
    return max(0.1, 0.5 - 1.2 * progress)


def text_share(progress: float) -> float:
    """Return the share of row tokens that are predicted."""
    return 0.2 if progress < 0.35 else 0.1
