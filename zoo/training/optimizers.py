"""Learning rates over a training, and optimizers for several networks at once."""

from collections.abc import Sequence
from typing import Any

import keras

from zoo.color.spaces import Tensor
from zoo.training.config import TrainingConfig


def schedule(
    config: TrainingConfig, steps: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """The learning rate over a training of `steps` steps.

    "zhang": in arXiv 1603.08511, 3e-5 falls to 1e-5 at 200k and to 3e-6 at 375k of about 450k
    iterations; here at the same shares of `steps`.

    Examples:
        >>> schedule(TrainingConfig(learning_rate=0.001, schedule="constant"), steps=100)
        0.001
    """
    rate = config.learning_rate
    if config.schedule == "constant":
        return rate
    if config.schedule == "zhang":
        return keras.optimizers.schedules.PiecewiseConstantDecay(
            [round(steps * 200 / 450), round(steps * 375 / 450)], [rate, rate / 3, rate / 10]
        )
    warm_up = min(100, steps // 10)
    return keras.optimizers.schedules.CosineDecay(
        rate if warm_up == 0 else rate / 10,
        decay_steps=max(1, steps - warm_up),
        warmup_target=rate if warm_up else None,
        warmup_steps=warm_up,
    )


class TwoRateAdam(keras.optimizers.Adam):
    """Adam for two nets at once, the second of which has another rate.

    Adam treats every weight by itself: this is two optimizers that step together.

    Args:
        learning_rate: a number or a schedule, of all weights but `others`.
        others: the second net's weights.
        ratio: their rate, as a multiple of `learning_rate`.
        **kwargs: Adam's own.
    """

    def __init__(
        self, learning_rate: Any, others: Sequence[keras.Variable], ratio: float, **kwargs: Any
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        # Not by their paths, which two nets may share.
        self._others = {id(variable) for variable in others}
        self._ratio = ratio

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Make Adam's moments, and remember which weights are the second net's."""
        super().build(variables)
        self._ratios = [self._ratio if id(v) in self._others else 1.0 for v in variables]

    def update_step(self, gradient: Tensor, variable: Any, learning_rate: Tensor) -> None:
        """One weight's step."""
        ratio = self._ratios[self._get_variable_index(variable)]
        super().update_step(gradient, variable, learning_rate * ratio)
