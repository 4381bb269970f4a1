"""Consensus: predictions of several views of the same photos, averaged before they become color.

A network that is sure and wrong about a place is seldom wrong in the same way when it sees the
photo mirrored, or smaller. So the mean of the views' distributions (of their ab, for networks that
predict one color) has fewer stains, and paler colors where the views disagree; DeOldify's render
factor and the usual averaging over crops and flips (Krizhevsky et al. 2012, section 4.1) rest on
the same observation.

Each view costs a run of the network, and a smaller one less of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from keras import ops

from zoo import preprocessing
from zoo.color.spaces import Tensor
from zoo.inputs import LIGHTNESS, Input
from zoo.prediction import Prediction


@dataclass(frozen=True)
class View:
    """A way to look at photos.

    Attributes:
        quarters: of the working size's sides.
        mirrored: whether left and right are swapped.
    """

    quarters: int = 4
    mirrored: bool = False

    def of(self, declared: Sequence[Input], inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The inputs as seen in this way.

        Vectors and images are those of the photo as it is, in every view.
        """
        seen = dict(inputs)
        for name in (one.name for one in declared if one.kind == "map"):
            x = inputs[name]
            if self.quarters != 4:
                height, width = ops.shape(x)[1:3]
                size = self._share(height), self._share(width)
                x = ops.cast(x, "float32")
                if name == LIGHTNESS.name:
                    x = preprocessing.resample_lightness(x, size)
                else:
                    x = preprocessing.resize(x, size)
            seen[name] = ops.flip(x, axis=2) if self.mirrored else x
        return seen

    def _share(self, side: preprocessing.Length) -> preprocessing.Length:
        return (side * self.quarters + 2) // 4

    def onto(self, prediction: Prediction, main: Prediction) -> Tensor:
        """What is predicted in this view, at the places of `main`, of the view of all as it is."""
        x, like = prediction.shares(), main.shares()
        for axis in (1, 2):
            # Sides without the padding, and how many px a place has: views may be padded unlike.
            side, main_side = prediction.size[axis - 1], main.size[axis - 1]
            step = ops.shape(prediction.lightness)[axis] // ops.shape(x)[axis]
            places = ops.shape(like)[axis]
            main_step = ops.shape(main.lightness)[axis] // places
            # Centers of the places in half px of `main`: whole numbers, and so exact.
            centers = (2 * preprocessing.numbers_to(places) + 1) * main_step
            if self.mirrored and axis == 2:
                centers = 2 * main_side - centers
            position = centers * side - step * main_side
            x = preprocessing.interpolated(x, axis, position, 2 * step * main_side)
        return x


_SIZES = (View(4), View(3), View(2))
_MIRRORED = tuple(View(view.quarters, mirrored=True) for view in _SIZES)
#: The views of each value of the option `consensus`; the first one is of the photo as it is.
VIEWS = {0: _SIZES[:1], 2: (_SIZES[0], _MIRRORED[0]), 3: _SIZES, 6: (*_SIZES, *_MIRRORED)}


def averaged(
    declared: Sequence[Input],
    inputs: Mapping[str, Tensor],
    consensus: int,
    predict: Callable[[Mapping[str, Tensor]], Prediction],
) -> Prediction:
    """Predict from each view of the inputs, and average at the places of the first one.

    Args:
        declared: the inputs that the network takes.
        inputs: all of them, by name.
        consensus: how many views; see `zoo.options.CONSENSUS`.
        predict: makes a prediction of the inputs that a view sees.
    """
    first, *others = VIEWS[consensus]
    main = predict(first.of(declared, inputs))
    if not others:
        return main
    found = (view.onto(predict(view.of(declared, inputs)), main) for view in others)
    return main.with_shares(reduce(ops.add, found, main.shares()) / len(VIEWS[consensus]))
