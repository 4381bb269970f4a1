"""Which of a classifier's classes are right for a photo's label.

A classifier's class names are a text file, one class a line, synonyms with commas between, as in
"tabby, tabby cat". A label that is one of the names stands for that class. ImageNet has no class
"dog" but 118 breeds: a group is a word that stands for several classes, any of which is right.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from zoo.errors import ZooError, valid_choice
from zoo.files import read_json
from zoo.networks.classifiers import Spec

_DOGS = """
Chihuahua, Japanese spaniel, Maltese dog, Pekinese, Shih-Tzu, Blenheim spaniel, papillon,
toy terrier, Rhodesian ridgeback, Afghan hound, basset, beagle, bloodhound, bluetick,
black-and-tan coonhound, Walker hound, English foxhound, redbone, borzoi, Irish wolfhound,
Italian greyhound, whippet, Ibizan hound, Norwegian elkhound, otterhound, Saluki,
Scottish deerhound, Weimaraner, Staffordshire bullterrier, American Staffordshire terrier,
Bedlington terrier, Border terrier, Kerry blue terrier, Irish terrier, Norfolk terrier,
Norwich terrier, Yorkshire terrier, wire-haired fox terrier, Lakeland terrier, Sealyham terrier,
Airedale, cairn, Australian terrier, Dandie Dinmont, Boston bull, miniature schnauzer,
giant schnauzer, standard schnauzer, Scotch terrier, Tibetan terrier, silky terrier,
soft-coated wheaten terrier, West Highland white terrier, Lhasa, flat-coated retriever,
curly-coated retriever, golden retriever, Labrador retriever, Chesapeake Bay retriever,
German short-haired pointer, vizsla, English setter, Irish setter, Gordon setter,
Brittany spaniel, clumber, English springer, Welsh springer spaniel, cocker spaniel,
Sussex spaniel, Irish water spaniel, kuvasz, schipperke, groenendael, malinois, briard, kelpie,
komondor, Old English sheepdog, Shetland sheepdog, collie, Border collie, Bouvier des Flandres,
Rottweiler, German shepherd, Doberman, miniature pinscher, Greater Swiss Mountain dog,
Bernese mountain dog, Appenzeller, EntleBucher, boxer, bull mastiff, Tibetan mastiff,
French bulldog, Great Dane, Saint Bernard, Eskimo dog, malamute, Siberian husky, dalmatian,
affenpinscher, basenji, pug, Leonberg, Newfoundland, Great Pyrenees, Samoyed, Pomeranian, chow,
keeshond, Brabancon griffon, Pembroke, Cardigan, toy poodle, miniature poodle, standard poodle,
Mexican hairless
"""

#: Words that ImageNet splits into breeds, by the first name of each of its classes. Of the usual
#: flowers ImageNet knows the daisy alone (and the rose's hip): roses, tulips, sunflowers and
#: dandelions have no right answer, and no group here pretends that they had.
GROUPS: dict[str, Sequence[str]] = {
    "cat": ("tabby", "tiger cat", "Persian cat", "Siamese cat", "Egyptian cat"),
    "dog": tuple(" ".join(_DOGS.split()).split(", ")),
}


class ClassNames:
    """A classifier's classes by name.

    Args:
        lines: each class' names, with commas between.
        groups: words that stand for several classes, beside `GROUPS` and before those.
    """

    def __init__(
        self, lines: Sequence[str], groups: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self._numbers: dict[str, set[int]] = {}
        for number, line in enumerate(lines):
            for name in line.split(","):
                # ImageNet's Cardigan is a dog, and its cardigan is worn: case counts where it can.
                for form in {_plain(name), _plain(name).casefold()}:
                    self._numbers.setdefault(form, set()).add(number)
        own = groups or {}
        for word, names in own.items():
            for name in names:
                if not self._called(name):
                    valid_choice(f"class (group {word})", name, tuple(self._numbers))
        # Classifiers of other classes than ImageNet's have few of a group.
        self._groups = {
            _plain(word).casefold(): set[int]().union(*map(self._called, names))
            for word, names in {**GROUPS, **own}.items()
        }
        sets = {word: sorted(numbers) for word, numbers in sorted(self._groups.items())}
        self.sha256 = hashlib.sha256(json.dumps([list(lines), sets]).encode()).hexdigest()

    def right_for(self, label: str | None) -> frozenset[int]:
        """The classes that are right for a label; a plural counts as its singular: "dogs"."""
        if label is None:
            return frozenset()
        for form in (label, label.removesuffix("s")):
            found = self._groups.get(_plain(form).casefold()) or self._called(form)
            if found:
                return frozenset(found)
        return frozenset()

    def _called(self, name: str) -> set[int]:
        """The classes of a name: usually one, but ImageNet has two cranes."""
        form = _plain(name)
        return self._numbers.get(form) or self._numbers.get(form.casefold()) or set()


def read_class_names(spec: Spec, width: int) -> ClassNames | None:
    """The class names that go with a classifier, if any.

    They are in the file that the setting `labels` names or, for a module in a folder, in the only
    file *labels*.txt inside that folder or else beside it. The setting `groups` names a JSON file
    of groups, {"word": ["class", ...]}. The classifier has `width` classes.
    """
    path = _labels_file(spec)
    if path is None:
        if "groups" in spec.settings:
            raise ZooError("groups= takes class names, too: add labels=FILE, a text file of them.")
        return None
    try:
        lines = path.read_text(encoding="utf-8-sig").strip("\n").splitlines()
    except OSError as error:
        raise ZooError(
            f"Cannot read the class names {path}: {error.strerror or error}; give labels=FILE."
        ) from error
    except UnicodeDecodeError as error:
        raise ZooError(f"{path} is no text in UTF-8; give class names, one a line.") from error
    if len(lines) != width:
        raise ZooError(
            f"{path} has {len(lines):,} class names, but the classifier {spec.name} has {width:,} "
            "classes; give the whole file that belongs to it, one class a line, by labels=FILE."
        )
    return ClassNames(lines, _read_groups(spec.settings.get("groups")))


def _labels_file(spec: Spec) -> Path | None:
    if "labels" in spec.settings:
        return Path(spec.settings["labels"])
    folder = Path(spec.name)
    if spec.kind != "hub" or not folder.is_dir():
        return None
    for place in (folder, folder.resolve().parent):
        found = sorted(place.glob("*labels*.txt"))
        if len(found) == 1:
            return found[0]
    return None


def _read_groups(file: str | None) -> dict[str, list[str]]:
    if file is None:
        return {}
    content = read_json(file)
    lists = list(content.values()) if isinstance(content, dict) else [None]
    texts = [name for names in lists for name in (names if isinstance(names, list) else [None])]
    if not all(isinstance(name, str) for name in texts):
        raise ZooError(f'{file} must hold groups of classes, as in {{"cat": ["tabby", "lynx"]}}.')
    return content


def _plain(name: str) -> str:
    """A name with spaces for underscores: lists differ in this."""
    return re.sub(r"[\s_]+", " ", name).strip()
