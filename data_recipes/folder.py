"""Any folder of one's own. The photo's folder is its label, as in `PhotoSet.from_folder`.

Where the outermost folders are called train, val and test, they are the splits.
"""

from pathlib import PurePosixPath

from data_recipes.recipe import Chooser, Place, Recipe, Sources

_SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


def _choose(sources: Sources) -> Chooser:
    """Splits count only if there are nothing but splits: else `test` is a label like any other."""
    from zoo.photos.decoding import PHOTO_SUFFIXES

    folders = [path.name for path in sources.folder.iterdir() if path.is_dir()]
    visible = [name for name in folders if not name.startswith(".")]
    has_splits = "train" in visible and all(name in _SPLITS for name in visible)

    def place(name: str) -> Place | None:
        path = PurePosixPath(name)
        if path.suffix.lower() not in PHOTO_SUFFIXES:
            return None
        split = _SPLITS.get(path.parts[0]) if has_splits else None
        inside = path.parts[1:-1] if split else path.parts[:-1]
        return Place(name, split, inside[-1] if inside else None)

    return place


RECIPE = Recipe(
    name="folder",
    title="any folder of your own",
    page="",
    license="yours",
    size="what it holds",
    citation="",
    by_hand="name the folder with --from",
    given="photos, in sub-folders if you like",
    choose=_choose,
)
