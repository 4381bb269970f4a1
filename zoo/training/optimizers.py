"""Learning rates over a training, and optimizers for several networks at once."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np
from keras import ops

from zoo.backend import fused_adam
from zoo.color.spaces import Tensor
from zoo.errors import valid_choice
from zoo.training.config import TrainingConfig

Rate: TypeAlias = float | keras.optimizers.schedules.LearningRateSchedule


def schedule(config: TrainingConfig, steps: int) -> Rate:
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


class Multiple(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that is always so many times another one."""

    def __init__(self, rate: Rate, factor: float) -> None:
        self._rate, self._factor = rate, factor

    def __call__(self, step: Tensor) -> Tensor:
        return _at(self._rate, step) * self._factor


class Adam(keras.optimizers.Adam):
    """Keras' Adam, each weight in one operation where it can be."""

    def update_step(self, gradient: Tensor, variable: Any, learning_rate: Tensor) -> None:
        index = self._get_variable_index(variable)
        moments = self._momentums[index], self._velocities[index]
        betas = self.beta_1, self.beta_2
        step = self.iterations + 1
        if not fused_adam(variable, moments, gradient, learning_rate, step, betas, self.epsilon):
            super().update_step(gradient, variable, learning_rate)


class GroupedAdam(Adam):
    """Adam over named groups of weights, each with a rate of its own, stepped in phases.

    Adam treats every weight by itself: this is one optimizer per group. A group that is not in the
    phase of a step keeps its weights and its moments, and its own count of steps.

    Args:
        groups: the weights by name; two nets may share their paths. Those that are in none belong
            to the first.
        rates: a number or a schedule over all steps, by the groups' names.
        phases: the groups that are stepped in the first step, in the second ..., and then again
            from the start; where empty, all of them in every step.
        skip_zeros: whether a group whose gradients are all exactly 0 is not stepped: a loss that
            leaves a net out in some steps lets it rest.
        **kwargs: Adam's own.
    """

    def __init__(
        self,
        groups: Mapping[str, Sequence[keras.Variable]],
        rates: Mapping[str, Rate],
        phases: Sequence[Collection[str]] = (),
        *,
        skip_zeros: bool = False,
        **kwargs: Any,
    ) -> None:
        first = next(iter(groups))
        super().__init__(rates[first], **kwargs)
        self._first = first
        self._group_rates = dict(rates)
        self._owners = {id(v): name for name, variables in groups.items() for v in variables}
        for name in (name for phase in phases for name in phase):
            valid_choice("group of weights", name, tuple(groups))
        self._turns = {name: np.array([name in phase for phase in phases]) for name in groups}
        # Groups that rest in some steps, and whether they do in the one at hand.
        resting = [name for name, turns in self._turns.items() if skip_zeros or not turns.all()]
        self._skip_zeros, self._resting = skip_zeros, resting
        self._active: dict[str, Tensor] = {}

    def build(self, variables: Sequence[keras.Variable]) -> None:
        super().build(variables)
        self._names = [self._owners.get(id(variable), self._first) for variable in variables]
        self._counts = {
            name: self.add_variable((), "zeros", dtype="int32", name=f"{name}_steps")
            for name in self._resting
        }

    def apply(self, grads: Sequence[Tensor], trainable_variables: Any = None) -> None:
        if not self.built:
            self.build(trainable_variables)
        for name in self._resting:
            own = [one for one, owner in zip(grads, self._names, strict=True) if owner == name]
            active = self._in_phase(name)
            if self._skip_zeros:
                moving = [ops.any(ops.not_equal(one, 0.0)) for one in own]
                active = ops.logical_and(active, ops.any(ops.stack(moving)))
            self._active[name] = active
            self._counts[name].assign_add(ops.cast(active, "int32"))
        super().apply(grads, trainable_variables)

    def update_step(self, gradient: Tensor, variable: Any, learning_rate: Tensor) -> None:
        index = self._get_variable_index(variable)
        name = self._names[index]
        if name != self._first:
            learning_rate = _at(self._group_rates[name], self.iterations)
        if name not in self._counts:
            super().update_step(gradient, variable, learning_rate)
            return
        # A group that has not been stepped yet has a count of 0, which would divide by 0.
        count = ops.cast(ops.maximum(self._counts[name], 1), variable.dtype)
        rate, gradient = (ops.cast(one, variable.dtype) for one in (learning_rate, gradient))
        kept = (self._momentums[index], self._velocities[index], variable)
        mean, square, weight = (ops.convert_to_tensor(one) for one in kept)
        new_mean = mean + (gradient - mean) * (1 - self.beta_1)
        new_square = square + (ops.square(gradient) - square) * (1 - self.beta_2)
        rate = rate * ops.sqrt(1 - self.beta_2**count) / (1 - self.beta_1**count)
        moved = weight - new_mean * rate / (ops.sqrt(new_square) + self.epsilon)
        for one, old, new in zip(
            kept, (mean, square, weight), (new_mean, new_square, moved), strict=True
        ):
            self.assign(one, ops.where(self._active[name], new, old))

    def _in_phase(self, name: str) -> Tensor:
        turns = self._turns[name]
        if turns.all():
            return ops.convert_to_tensor(True)
        return ops.take(turns, ops.cast(self.iterations, "int32") % len(turns))


def _at(rate: Rate, step: Tensor) -> Tensor:
    return rate(step) if callable(rate) else ops.convert_to_tensor(rate, "float32")
