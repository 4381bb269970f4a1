"""The photos that come inside other packages: something to learn from without any download."""

from importlib.util import find_spec
from pathlib import Path

from zoo.errors import ZooError, valid_choice
from zoo.photos.photoset import Entry, PhotoSet, scan

# The package to install, its module, the folder in it.
_SCIKIT_IMAGE = ("scikit-image", "skimage", "data")
_SCIKIT_LEARN = ("scikit-learn", "sklearn", "datasets/images")
_MATPLOTLIB = ("matplotlib", "matplotlib", "mpl-data/sample_data")

# Fixed, so that results stay comparable. Training has sky, buildings, fur and skin; the test has
# skin, foliage and a still life.
_SPLITS = {
    "train": {
        "china.jpg": _SCIKIT_LEARN,
        "chelsea.png": _SCIKIT_IMAGE,
        "grace_hopper.jpg": _MATPLOTLIB,
        "motorcycle_left.png": _SCIKIT_IMAGE,
        "rocket.jpg": _SCIKIT_IMAGE,
    },
    "val": {"retina.jpg": _SCIKIT_IMAGE},
    "test": {
        "astronaut.png": _SCIKIT_IMAGE,
        "coffee.png": _SCIKIT_IMAGE,
        "flower.jpg": _SCIKIT_LEARN,
    },
}


def sample_photos(split: str) -> PhotoSet:
    """The nine color photos inside scikit-image, scikit-learn and matplotlib, without labels.

    Args:
        split: "train" (5 photos), "val" (1), "test" (3) or "all" (9, in that order).

    Raises:
        ZooError: for another split, or naming the package to install again if a photo is missing.

    Examples:
        >>> sample_photos("test")
        PhotoSet(3 photos)
        >>> [photo.name for photo in sample_photos("test")]
        ['astronaut.png', 'coffee.png', 'flower.jpg']
    """
    valid_choice("split of the sample photos", split, [*_SPLITS, "all"])
    wanted = list(_SPLITS) if split == "all" else [split]
    entries, packages = [], {}
    for part in wanted:
        for name, (package, module, folder) in _SPLITS[part].items():
            entries.append(Entry(_folder_of(package, module) / folder / name, name))
            packages[name] = package
    photos = scan(entries)
    if photos.skipped:
        missing = photos.skipped[0]
        raise _incomplete(packages[missing.name], f"{missing.name} is {missing.reason}")
    return photos


def _folder_of(package: str, module: str) -> Path:
    """A package's folder, found without importing it: that would take seconds."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise _incomplete(package, "it is not installed")
    return Path(spec.origin).parent


def _incomplete(package: str, reason: str) -> ZooError:
    return ZooError(
        f"The sample photos of {package} cannot be read ({reason}); "
        f"run `pip install --force-reinstall {package}`."
    )
