"""What every encoder is to the network that uses it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np
from keras import layers

from zoo.color.spaces import Tensor
from zoo.errors import ZooError

#: How the names of an encoder's layers begin.
PREFIX = "encoder_"

#: How many times smaller than the input the features of each level are.
STRIDES = (2, 4, 8, 16, 32)

#: From the features of a level and its stride to those that the next level and the decoder see.
Joined = Callable[[Tensor, int], Tensor]


def as_they_are(features: Tensor, stride: int) -> Tensor:
    """Add nothing."""
    return features


class Encoder(ABC):
    """The layers and the weights of a pretrained classifier, without its head.

    Args:
        name: of the network.
        weights: "imagenet", "none" or a file.
    """

    def __init__(self, name: str, weights: str = "imagenet") -> None:
        self.name, self.weights = name, weights

    @abstractmethod
    def pyramid(
        self, photo: Tensor, seed: int, decay: float = 0.0, joined: Joined = as_they_are
    ) -> list[Tensor]:
        """Add the layers to a network.

        Args:
            photo: (N, H, W, 1) gray or (N, H, W, 3) RGB, from -1 (black) to 1 (white); H and W
                multiples of 32.
            seed: decides the initial weights.
            decay: d adds d times each kernel to its gradient.
            joined: adds to the features of each level.

        Returns:
            The features of each level, (N, H / stride, W / stride, C), as in `STRIDES`.
        """

    @abstractmethod
    def values(self) -> Mapping[str, np.ndarray]:
        """The pretrained weights by the paths of their variables, as "encoder_stem/kernel".

        Raises:
            ZooError: if they are not at hand, or cannot be read.
        """

    def put_weights(self, network: keras.Model) -> None:
        """Put the pretrained weights into the encoder's layers of a network, if there are any.

        Raises:
            ZooError: as `values`, or if they do not fit.
        """
        if self.weights == "none":
            return
        values = self.values()
        for variable in network.variables:
            if variable.path.startswith(PREFIX):
                value = values.get(variable.path)
                if value is None or value.shape != tuple(variable.shape):
                    found = "no" if value is None else f"the shape {value.shape} of"
                    raise ZooError(
                        f"These are not the weights of {self.name}: they have {found} "
                        f"{variable.path}, which should be {tuple(variable.shape)}; give others."
                    )
                if not np.isfinite(value).all():
                    raise ZooError(
                        f"The weights of {self.name} hold NaN or infinity in {variable.path}; "
                        "get them again."
                    )
                variable.assign(value)


def as_seen(
    photo: Tensor, black: np.ndarray, white: np.ndarray, order: Sequence[int] = (0, 1, 2)
) -> Tensor:
    """A photo as a classifier sees it: a gray value fills all three channels.

    (N, H, W, 1) or (N, H, W, 3) from -1 to 1 -> (N, H, W, 3).

    Args:
        photo: as of `Encoder.pyramid`.
        black: the classifier's values of black, one a channel.
        white: those of white.
        order: which of red, green and blue each of its channels is.
    """
    gray = photo.shape[-1] == 1
    channels = [photo] * 3 if gray else [photo[..., index : index + 1] for index in order]
    x = layers.Concatenate(name=f"{PREFIX}rgb", dtype="float32")(channels)
    scale, offset = ((white - black) / 2).tolist(), ((white + black) / 2).tolist()
    return layers.Rescaling(scale, offset, name=f"{PREFIX}scale", dtype="float32")(x)
