"""An exponential moving average of weights: what a stage is scored by, and what it keeps.

Single steps of two nets that learn against each other throw the weights to and fro. Their average
over the last steps lies in the middle (Yazici et al. 2019, arXiv 1806.04498).
"""

from collections.abc import Mapping

import keras
import numpy as np

from zoo.training.checkpoint import numpy_values


class WeightAverage:
    """Follows variables after each step, and puts their averages into place for a while.

    Args:
        variables: those that are averaged, by name.
        half_life: the number of steps after which a step counts half as much as the last one.
        values: the averages so far, which are changed in place; empty at the start.
    """

    def __init__(
        self,
        variables: Mapping[str, keras.Variable],
        half_life: float,
        values: dict[str, np.ndarray],
    ) -> None:
        self._variables, self._values = variables, values
        self._kept = np.float32(0.5 ** (1.0 / half_life))
        self._learning: list[np.ndarray] | None = None

    def follow(self) -> None:
        """Take the weights of the step that has just ended into the averages."""
        for name, variable in self._variables.items():
            new = keras.ops.convert_to_numpy(variable)
            if name not in self._values:
                self._values[name] = np.array(new)
                continue
            average = self._values[name]  # new + kept * (average - new), without copies
            average -= new
            average *= self._kept
            average += new

    def show(self) -> None:
        """Put the averages in the weights' place, if they are not there already."""
        if self._learning is None and self._values:
            self._learning = numpy_values(self._variables.values())
            for name, variable in self._variables.items():
                # A copy: a backend may hold on to the array, which changes in place.
                variable.assign(self._values[name].copy())

    def hide(self) -> None:
        """Put the weights that learn back."""
        if self._learning is not None:
            for variable, value in zip(self._variables.values(), self._learning, strict=True):
                variable.assign(value)
            self._learning = None
