"""How the learning rate moves as training goes on, and the weight of the text."""

_WARM_UP = 0.03
_LAST = 0.02


def learning_rate(progress: float, peak: float) -> float:
    """Return the rate at a progress from 0 to 1: a short rise, then a straight line down."""
    if progress < _WARM_UP:
        return peak * (0.05 + 0.95 * progress / _WARM_UP)
    left = (1 - progress) / (1 - _WARM_UP)
    return peak * max(_LAST, left)


TEXT_WEIGHT = 0.05
"""Weight of the language modelling loss beside that of the answers."""
FEATURES_WEIGHT = 0.5
"""Weight of the error of the encoder's features beside the loss of answers."""
TEXT_SHARE = 0.1
"""Share of the row's tokens that are predicted for it."""
