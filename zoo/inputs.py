"""Inputs: what a model's network takes, by name, declared by the model.

Every network takes `LIGHTNESS`. A further input is given by the caller, derived from the photo (as
an embedding is), or simulated in training from the true photo (as hints are). Loader, prediction,
evaluation, exports and command line read the declaration and know no model.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from keras import ops

from zoo import preprocessing
from zoo.color.spaces import Tensor
from zoo.errors import ZooError, valid_choice
from zoo.photos.loader import Rows, Samples
from zoo.photos.photoset import PhotoSet


@dataclass(frozen=True)
class Input:
    """A named input of a network.

    Attributes:
        name: of the network's input.
        kind: "map", (N, H, W, channels), of the size of L; "vector", (N, channels); "image",
            (N, h, w, channels), of a size of its own.
        channels: how many numbers there are at a place, or in a vector.
        absent: the number that stands for an absent input.
    """

    name: str
    kind: Literal["map", "vector", "image"]
    channels: int
    absent: float = 0.0

    def missing(self, lightness: Tensor) -> Tensor:
        """What stands for this input if it is absent, for photos with (N, H, W, 1) L."""
        if self.kind == "vector":
            like = ops.zeros_like(lightness[:, 0, 0, :])
        else:
            like = ops.zeros_like(lightness)
        return ops.repeat(like, self.channels, axis=-1) + self.absent


@dataclass(frozen=True)
class DerivedInput(Input):
    """An input that follows from the photo's lightness."""

    @property
    @abstractmethod
    def side(self) -> int:
        """Side in px of the square into which a photo's L is squeezed."""

    @abstractmethod
    def derive(self, squares: Tensor, *, traced: bool = False) -> Tensor:
        """(N, side, side, 1) L in [0, 100] -> the input; `traced`: in a graph that is made."""

    @abstractmethod
    def rows(self, photos: PhotoSet, *, progress: bool) -> Rows:
        """This input for a loader of `photos`, computed beforehand if that pays."""


@dataclass(frozen=True)
class SimulatedInput(Input):
    """An input that people give at prediction; training makes it from the true photo."""

    @abstractmethod
    def simulate(self, rgb: np.ndarray, seed: int, numbers: np.ndarray) -> np.ndarray:
        """Make n rows of the input for photos of a training: a pure function.

        Args:
            rgb: (n, h, w, 3) uint8.
            seed: of the training.
            numbers: (n,), the photos' numbers in the training.
        """

    def rows(self, samples: Samples) -> np.ndarray:
        return self.simulate(samples.rgb, samples.seed, samples.numbers)


LIGHTNESS = Input("lightness", "map", 1)


class Whole(Protocol):
    """Photos at full size, as `zoo.fullsize.FullSize` has them."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""

    def working_lightness(self, size: tuple[int, int]) -> Tensor:
        """(N, *size, 1) L in [0, 100]."""


def inputs_of_photos(
    declared: Sequence[Input],
    photos: Whole,
    render_factor: int,
    degrade: Callable[[Tensor], Tensor] | None = None,
) -> dict[str, Tensor]:
    """The inputs that follow from photos, by name.

    `degrade` changes L wherever a network looks at it, at the size at which it does.
    """

    def seen(size: tuple[int, int]) -> Tensor:
        lightness = photos.working_lightness(size)
        return lightness if degrade is None else degrade(lightness)

    size = preprocessing.working_size(*photos.size, render_factor)
    inputs = {LIGHTNESS.name: seen(size)}
    for one in declared:
        if isinstance(one, DerivedInput):
            inputs[one.name] = one.derive(seen((one.side, one.side)))
    return inputs


def complete_inputs(declared: Sequence[Input], given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Complete the given inputs: the others follow from L, or are absent.

    Raises:
        ZooError: if L is missing, or an input is given that nobody declared.
    """
    names = tuple(one.name for one in declared)
    for name in given:
        valid_choice("input", name, names)
    if LIGHTNESS.name not in given:
        raise ZooError(f"The input {LIGHTNESS.name} is missing; give it.")
    lightness = preprocessing.cast(given[LIGHTNESS.name], "float32")
    inputs = {LIGHTNESS.name: lightness}
    for one in declared[1:]:
        if given.get(one.name) is not None:
            inputs[one.name] = given[one.name]
        elif isinstance(one, DerivedInput):
            squares = preprocessing.resample_lightness(lightness, (one.side, one.side))
            inputs[one.name] = one.derive(squares)
        else:
            inputs[one.name] = one.missing(lightness)
    return inputs
