"""Color transfer by what things are: places of the photo and the reference that look alike.

The features that the zoo's encoder sees at two strides are compared: a place of the photo is
matched with the places of the reference whose features are nearest by cosine similarity, and takes
the weighted mean of their colors, of which those count that are about as light. A match is believed
in if it is similar enough, and if the best match of the match leads back to the place or next to it
(mutual nearest neighbors). Where it is, the color is a hint, by as much as it is believed in; from
there it spreads along edges, as hints do, and gives way to the model's own colors.

The plan is that of exemplar-based colorization, as of He et al. 2018, "Deep Exemplar-based
Colorization" (ACM Transactions on Graphics 37, 4), whose similarity network this is without
training; the numbers are ours.
"""

import numpy as np
from keras import ops

from zoo.color.spaces import lightness_to_gray, rgb_to_lab
from zoo.hints.following import Drawn
from zoo.networks.features import DEFAULT, encoder_features
from zoo.preprocessing import reflect_to_multiple, resize

#: The levels that are compared, and how much each counts: strides of 8 and 16.
_LEVELS = {2: 0.4, 3: 0.6}
#: Pixels of a place: the first of these strides.
_PLACE = 8
#: So many matches of a place count, by exp(similarity / this).
_NEAREST, _SHARPNESS = 4, 0.02
#: Similarities at which a match begins to be believed in, and is entirely.
_DOUBTED, _BELIEVED = 0.45, 0.65
#: How many places off the best match of the match may lead.
_OFF = 2.5
#: A deviation of L within which colors count.
_AS_LIGHT = 4.0
#: How strongly the model's own colors hold out, away from what is matched.
_STRENGTH = 300.0
#: Which rows and columns of a place's pixels become hints.
_SPOKEN = (1, 5)
#: Of all strides: the network sees multiples of it.
_STRIDE = 32
#: Features that are shorter have no direction.
_LEAST = 1e-6


class Match:
    """Colors what looks like something in the reference as that.

    Args:
        reference: (h, w, 3) uint8 sRGB.
    """

    def __init__(self, reference: np.ndarray) -> None:
        self._network = encoder_features(DEFAULT).network
        lab = ops.convert_to_numpy(rgb_to_lab(reference))
        self._features = self._look(lab[..., 0])
        places = _by_place(lab, self._features[0].shape[:2])
        self._lightness, self._ab = places[..., 0], places[..., 1:]

    def __call__(self, lightness: np.ndarray, ab: np.ndarray) -> np.ndarray:
        """Recolor (h, w, 2) ab at (h, w) L in [0, 100]: (h, w, 2) float32; `ab` without matches."""
        wanted, confidence = self.matched(lightness)
        mixed = (ab + confidence[..., None] * (wanted - ab)).astype(np.float32)
        return Drawn(lightness, mixed, confidence > 0, _STRENGTH)(ab)

    def everywhere(self, lightness: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The colors that the matches spread over (h, w) L, and how far they are believed in.

        Returns:
            (h, w, 2) ab and (h, w, 1) from 0 to 1, both float32.
        """
        wanted, confidence = self.matched(lightness)
        share = confidence[..., None]
        said = np.concatenate([share * wanted, share], axis=-1)
        spread = Drawn(lightness, said, confidence > 0, _STRENGTH)(np.zeros_like(said))
        # Both fade alike with the distance, so that their quotient does not.
        trust = spread[..., 2:].clip(0, 1)
        return spread[..., :2] / np.maximum(trust, _LEAST), trust

    def matched(self, lightness: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What the reference says of a photo's colors, for (h, w) L in [0, 100].

        Returns:
            (h, w, 2) float32 ab, and (h, w) float32 from 0 to 1, how far they are to be believed
            in: 0 at pixels of which nothing is said.
        """
        seen = self._look(lightness)
        rows, columns = seen[0].shape[:2]
        similarity = _similarity(seen, self._features)
        confidence = self._confidence(similarity, (rows, columns))
        nearest = np.argpartition(-similarity, min(_NEAREST, similarity.shape[1]) - 1)
        nearest = nearest[:, :_NEAREST]
        near = np.take_along_axis(similarity, nearest, axis=1)
        wanted = np.zeros((*lightness.shape, 2), np.float32)
        believed = np.zeros(lightness.shape, np.float32)
        for down in _SPOKEN:
            for right in _SPOKEN:
                row, column = np.divmod(np.arange(rows * columns), columns)
                row, column = row * _PLACE + down, column * _PLACE + right
                there = (row < lightness.shape[0]) & (column < lightness.shape[1])
                there &= confidence > 0
                row, column = row[there], column[there]
                wanted[row, column] = self._colors(
                    lightness[row, column], nearest[there], near[there]
                )
                believed[row, column] = confidence[there]
        return wanted, believed

    def _confidence(self, similarity: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
        """How far the best match of each of n places is to be believed in: (n,) from 0 to 1."""
        best, back = similarity.argmax(axis=1), similarity.argmax(axis=0)
        places = np.stack(np.divmod(np.arange(len(best)), grid[1]), axis=-1)
        off = np.linalg.norm(places[back[best]] - places, axis=-1)
        sure = (similarity.max(axis=1) - _DOUBTED) / (_BELIEVED - _DOUBTED)
        return np.where(off <= _OFF, sure.clip(0, 1), 0.0).astype(np.float32)

    def _colors(self, lightness: np.ndarray, nearest: np.ndarray, near: np.ndarray) -> np.ndarray:
        """The ab of n pixels: the mean of their matches' pixels, of which those as light count.

        Args:
            lightness: (n,), of the pixels.
            nearest: (n, k), the numbers of the places that are matched.
            near: (n, k), how similar they are.
        """
        off = (self._lightness[nearest] - lightness[:, None, None]) / _AS_LIGHT
        logarithm = near[..., None] / _SHARPNESS - off**2 / 2
        logarithm -= logarithm.max(axis=(1, 2), keepdims=True)
        weights = np.exp(logarithm)
        weights /= weights.sum(axis=(1, 2), keepdims=True)
        found: np.ndarray = np.einsum("nkp,nkpc->nc", weights, self._ab[nearest])
        return found

    def _look(self, lightness: np.ndarray) -> list[np.ndarray]:
        """The features of each place at the levels that are compared: (rows, columns, C) each."""
        gray = _gray(lightness)[None]
        levels = self._network(reflect_to_multiple(gray, _STRIDE), training=False)
        size = tuple(-(-side // _PLACE) for side in lightness.shape)
        full = levels[min(_LEVELS)].shape[1:3]
        seen = [ops.convert_to_numpy(resize(levels[level], full))[0] for level in _LEVELS]
        return [one[: size[0], : size[1]] for one in seen]


def _gray(lightness: np.ndarray) -> np.ndarray:
    """(h, w) L to (h, w, 3) RGB from -1 to 1: the features must not know the reference's colors."""
    found: np.ndarray = ops.convert_to_numpy(lightness_to_gray(lightness[..., None]))
    return 2 * found - 1


def _similarity(photo: list[np.ndarray], reference: list[np.ndarray]) -> np.ndarray:
    """The similarity of each place of the photo to each one of the reference: (n, m) in [-1, 1].

    Features are taken relative to the mean of both pictures: what all places have in common tells
    none of them apart, and places of pictures of different things are then dissimilar.
    """
    total = 0.0
    for share, here, there in zip(_LEVELS.values(), photo, reference, strict=True):
        middle = (here.mean(axis=(0, 1)) + there.mean(axis=(0, 1))) / 2
        first, second = (_directions(one - middle) for one in (here, there))
        total = total + share * (first @ second.T)
    return np.asarray(total, np.float32)


def _directions(features: np.ndarray) -> np.ndarray:
    """(rows, columns, C) to (n, C), each of length 1."""
    flat = features.reshape(-1, features.shape[-1])
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), _LEAST)


def _by_place(picture: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """The pixels of each place: (h, w, C) to (n, 64, C); edge pixels are repeated."""
    margins = [
        (0, count * _PLACE - length) for count, length in zip(grid, picture.shape[:2], strict=True)
    ]
    padded = np.pad(picture, [*margins, (0, 0)], mode="edge")
    blocks = padded.reshape(grid[0], _PLACE, grid[1], _PLACE, -1).transpose(0, 2, 1, 3, 4)
    return blocks.reshape(grid[0] * grid[1], _PLACE**2, -1)
