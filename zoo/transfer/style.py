"""Neural style transfer as color transfer: of its result only the chroma is kept.

Gatys, Ecker and Bethge 2016, "Image Style Transfer Using Convolutional Neural Networks" (CVPR),
section 2: a picture is optimized by L-BFGS until its features are near those of the photo
(content, equation 1) and their Gram matrices near those of the reference (style, equations 3 to 5),
with five layers that count alike. It starts as the photo, and content counts a thousandth of style
(section 3). That the chroma alone is kept is as in Nguyen et al. 2016 (arXiv 1604.07904).

Departures:

- The features of a layer are divided by their root mean square in the reference, and the content's
  error is a mean over the layer: losses then do not depend on the network or on the photo's size.
- The picture is the photo plus what is optimized at three sizes, enlarged: pixels alone, which the
  paper optimizes, need hundreds of iterations until whole regions have their color.
- VGG keeps its max pooling.
"""

from collections.abc import Callable, Sequence

import keras
import numpy as np
from keras import ops

from zoo.color.spaces import Tensor
from zoo.errors import ZooError
from zoo.networks.features import DEFAULT, Features, open_features
from zoo.preprocessing import reflect_to_multiple, resize
from zoo.transfer.reinhard import chroma_of, with_chroma

#: How much content counts where style counts 1: alpha / beta of section 3.
CONTENT = 1e-3
#: Iterations of L-BFGS, unless another number is asked for.
ITERATIONS = 60
#: How much smaller than the photo the parts are that are optimized.
_SMALLER = (1, 4, 16)
#: The networks see multiples of their last stride.
_STRIDE = 32


def gram(features: Tensor) -> Tensor:
    """The Gram matrix of a photo's features: (1, H, W, C) to (C, C), a mean over the places."""
    flat = ops.reshape(features, (-1, features.shape[-1]))
    return ops.matmul(ops.transpose(flat), flat) / ops.cast(ops.shape(flat)[0], flat.dtype)


class Style:
    """Gives photos the colors with which their features have a reference's Gram matrices.

    An iteration takes the network about 1.1 times forward and backward; `docs/references.md` has
    times.

    Args:
        reference: (h, w, 3) uint8 sRGB.
        features: the network, or its specification, see `zoo.networks.features`.
        iterations: of L-BFGS, at most.

    Raises:
        ZooError: if the weights are not at hand, or Keras does not run on TensorFlow.
    """

    def __init__(
        self,
        reference: np.ndarray,
        features: Features | str = DEFAULT,
        iterations: int = ITERATIONS,
    ) -> None:
        if keras.backend.backend() != "tensorflow":
            raise ZooError(
                "Style transfer follows gradients of TensorFlow; set KERAS_BACKEND=tensorflow, or "
                "choose another method."
            )
        opened = open_features(features) if isinstance(features, str) else features
        self._network, self._content, self._iterations = opened.network, opened.content, iterations
        seen = self._look(reference[None] / 127.5 - 1)
        self._sizes = [ops.sqrt(ops.mean(one * one)) for one in seen]
        self._grams = [gram(one) for one in self._scaled(seen)]

    def __call__(
        self,
        lightness: np.ndarray,
        ab: np.ndarray,
        told: Callable[[], None] = lambda: None,
    ) -> np.ndarray:
        """Color (h, w) L in [0, 100], from its (h, w, 2) ab on: (h, w, 2) float32 ab.

        `told` is called after each iteration.
        """
        from scipy.optimize import minimize

        loss = self.loss_of(2 * with_chroma(lightness, ab) - 1)
        found = minimize(
            loss,
            np.zeros(loss.size),
            jac=True,
            method="L-BFGS-B",
            callback=lambda _: told(),
            options={"maxiter": self._iterations},
        )
        return chroma_of((loss.picture(found.x) + 1) / 2)

    def loss_of(self, photo: np.ndarray) -> "StyleLoss":
        """The loss of pictures for the content of a photo, (h, w, 3) RGB from -1 to 1."""
        target = self._scaled(self._look(photo[None]))[self._content]
        return StyleLoss(photo, lambda picture: self._loss(picture, target))

    def _loss(self, picture: Tensor, target: Tensor) -> Tensor:
        seen = self._scaled(self._look(picture))
        content = ops.mean((seen[self._content] - target) ** 2) / 2
        layers = [
            ops.mean((gram(own) - wanted) ** 2) / 4
            for own, wanted in zip(seen, self._grams, strict=True)
        ]
        return CONTENT * content + sum(layers) / len(layers)

    def _look(self, picture: Tensor) -> list[Tensor]:
        padded = reflect_to_multiple(ops.cast(picture, "float32"), _STRIDE)
        found: list[Tensor] = self._network(padded, training=False)
        return found

    def _scaled(self, seen: Sequence[Tensor]) -> list[Tensor]:
        return [one / size for one, size in zip(seen, self._sizes, strict=True)]


class StyleLoss:
    """A loss and its gradient as a function of all that is optimized, one flat float64 array.

    Attributes:
        size: how many numbers that is.
    """

    def __init__(self, photo: np.ndarray, loss: Callable[[Tensor], Tensor]) -> None:
        self._photo = ops.convert_to_tensor(photo[None], "float32")
        height, width, channels = photo.shape
        self._shapes = [
            (1, -(-height // smaller), -(-width // smaller), channels) for smaller in _SMALLER
        ]
        self._counts = [int(np.prod(shape)) for shape in self._shapes]
        self.size = sum(self._counts)
        self._graph = self._compiled(loss)

    def __call__(self, flat: np.ndarray) -> tuple[float, np.ndarray]:
        loss, gradient = self._graph(ops.convert_to_tensor(flat, "float32"))
        return float(loss), np.asarray(gradient, np.float64)

    def picture(self, flat: np.ndarray) -> np.ndarray:
        """The picture that the numbers stand for: (h, w, 3) RGB around -1 to 1."""
        made = self._made(ops.convert_to_tensor(flat, "float32"))
        found: np.ndarray = ops.convert_to_numpy(made)[0]
        return found

    def _made(self, flat: Tensor) -> Tensor:
        picture, start = self._photo, 0
        for shape, count in zip(self._shapes, self._counts, strict=True):
            part = ops.reshape(flat[start : start + count], shape)
            picture = picture + resize(part, self._photo.shape[1:3])
            start += count
        return picture

    def _compiled(self, loss: Callable[[Tensor], Tensor]) -> Callable[[Tensor], tuple]:
        import tensorflow as tf

        @tf.function
        def graph(flat: Tensor) -> tuple[Tensor, Tensor]:
            with tf.GradientTape() as tape:
                tape.watch(flat)
                value = loss(self._made(flat))
            return value, tape.gradient(value, flat)

        found: Callable[[Tensor], tuple] = graph
        return found
