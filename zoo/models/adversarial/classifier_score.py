"""How sure and how varied a classifier's answers about colored photos are.

The formula of the Inception score (Salimans et al. 2016, arXiv 1606.03498, section 4): exp of the
mean Kullback-Leibler divergence of the answers from their mean. It has that name for Inception-v3
alone; any other classifier gives other numbers.
"""

import numpy as np
from PIL import Image
from scipy.special import log_softmax, logsumexp

from zoo.colorizer import Colorizer
from zoo.errors import ZooError
from zoo.networks.classifiers import Spec
from zoo.networks.embeddings import open_embedding
from zoo.photos.loader import PhotoLoader
from zoo.photos.photoset import PhotoSet

#: So many photos, evenly spread, are scored.
PHOTOS = 200
_BATCH = 32


class ClassifierScore:
    """Scores a model's colors of at most 200 photos.

    Args:
        classifier: as for an embedding, "keras:NAME" or "hub:FOLDER"; its vectors must be logits.
        photos: those that are colored.
        size: of their squares in px.

    Attributes:
        name: "inception_score" or "classifier_score".
    """

    def __init__(self, classifier: str, photos: PhotoSet, size: int) -> None:
        opened = open_embedding(classifier)
        if opened is None:
            raise ZooError(
                f"classifier={classifier} is no trained classifier; give keras:NAME or hub:FOLDER."
            )
        self._classifier = opened
        inception = is_inception(Spec.parse(classifier))
        self.name = "inception_score" if inception else "classifier_score"
        chosen = photos.spread(PHOTOS)
        self._loader = PhotoLoader(chosen, size, _BATCH, augment=False)

    def __call__(self, model: Colorizer) -> float:
        """The score of the photos in this model's colors: at least 1, higher is better."""
        batches = (self._loader.batch(index) for index in range(len(self._loader)))
        side = self._classifier.size
        squares = (central_squares(model.colorize_batch(batch), side) for batch in batches)
        return diversity(np.concatenate([self._classifier.vectors(each) for each in squares]))


def is_inception(spec: Spec) -> bool:
    """Whether a classifier is Inception-v3 with trained weights: then the score has its name."""
    trained = spec.settings.get("weights") != "none" and "width" not in spec.settings
    return (spec.kind, spec.name) == ("keras", "InceptionV3") and trained


def central_squares(rgb: np.ndarray, side: int) -> np.ndarray:
    """What a classifier sees of photos: their central squares, resized with antialiasing.

    (N, H, W, 3) uint8 -> (N, side, side, 3) float32 in [0, 1], by Pillow's bicubic filter.
    """
    height, width = rgb.shape[1:3]
    short = min(height, width)
    left, top = (width - short) // 2, (height - short) // 2
    squares = rgb[:, top : top + short, left : left + short]
    images = [
        np.asarray(Image.fromarray(square).resize((side, side), Image.Resampling.BICUBIC))
        for square in squares
    ]
    return np.stack(images).astype("float32") / 255.0


def diversity(logits: np.ndarray) -> float:
    """The exponential of the mean divergence of the answers, (n, classes) logits, from their mean.

    1 where all answers are the same; the number of classes where each is given with certainty and
    equally often.

    Examples:
        >>> round(diversity(100.0 * np.eye(4)), 6)
        4.0
    """
    answers = log_softmax(np.asarray(logits, "float64"), axis=1)
    mean = logsumexp(answers, axis=0) - np.log(len(answers))
    return float(np.exp(np.mean(np.sum(np.exp(answers) * (answers - mean), axis=1))))
