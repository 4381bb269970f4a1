import json
import os
from pathlib import Path

import pytest

from zoo.errors import ZooError
from zoo.metrics.networks.class_names import GROUPS, ClassNames, read_class_names
from zoo.networks.classifiers import Spec

LINES = ["background", "tabby, tabby cat", "Egyptian cat", "Cardigan, Cardigan Welsh corgi"]
LINES += ["cardigan", "German_shepherd", "daisy", "crane", "crane"]


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def hub(folder, **settings):
    folder.mkdir(parents=True, exist_ok=True)
    return Spec("hub", str(folder), {name: str(value) for name, value in settings.items()})


@pytest.mark.parametrize(
    ("label", "classes"),
    [
        ("daisy", {6}),
        ("Daisy", {6}),
        ("tabby cat", {1}),
        ("tabby_cat", {1}),
        ("cat", {1, 2}),
        ("Cats", {1, 2}),
        ("dog", {3, 5}),
        ("german shepherd", {5}),
        ("Cardigan", {3}),
        ("crane", {7, 8}),
        ("tulip", set()),
        ("s", set()),
        ("", set()),
        (None, set()),
    ],
)
def test_a_label_stands_for_its_class_or_its_group(label, classes):
    assert ClassNames(LINES).right_for(label) == classes


def test_own_groups_come_first():
    names = ClassNames(LINES, {"Cat": ["tabby"], "plant": ["daisy", "background"]})
    assert names.right_for("cat") == {1}
    assert names.right_for("plants") == {0, 6}
    assert names.right_for("dog") == {3, 5}
    with pytest.raises(ZooError, match=r"no class \(group cat\) 'tabbi' \(did you mean 'tabby'"):
        ClassNames(LINES, {"cat": ["tabbi"]})


def test_the_hash_is_of_names_and_groups():
    hashes = {
        ClassNames(LINES).sha256,
        ClassNames(LINES[::-1]).sha256,
        ClassNames(LINES, {"cat": ["tabby"]}).sha256,
    }
    assert len(hashes) == 3
    assert ClassNames(LINES).sha256 in hashes


def test_class_names_are_found_beside_a_module(tmp_path):
    module = tmp_path / "module"
    assert read_class_names(hub(module), 9) is None
    write(tmp_path / "imagenet_labels.txt", "\n".join(LINES) + "\n")
    assert read_class_names(hub(module), 9).right_for("daisy") == {6}
    write(module / "labels.txt", "\n".join(LINES[::-1]))
    assert read_class_names(hub(module), 9).right_for("daisy") == {2}
    own = write(tmp_path / "own.txt", "\n".join(["daisy", *LINES[1:]]))
    assert read_class_names(hub(module, labels=own), 9).right_for("daisy") == {0, 6}


def test_several_files_beside_a_module_decide_nothing(tmp_path):
    for name in ("labels_a.txt", "labels_b.txt"):
        write(tmp_path / name, "\n".join(LINES))
    assert read_class_names(hub(tmp_path / "module"), 9) is None


def test_groups_are_read_from_a_file(tmp_path):
    labels = write(tmp_path / "labels.txt", "\n".join(LINES))
    groups = write(tmp_path / "groups.json", json.dumps({"bird": ["crane"]}))
    names = read_class_names(hub(tmp_path / "module", labels=labels, groups=groups), 9)
    assert names.right_for("bird") == {7, 8}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"labels": "none.txt"}, "Cannot read the class names .*none.txt"),
        ({"labels": "short.txt"}, "short.txt has 2 class names, .* has 9 classes"),
        ({"labels": "binary.txt"}, "no text in UTF-8"),
        ({"labels": "whole.txt", "groups": "none.json"}, "Cannot read .*none.json"),
        ({"labels": "whole.txt", "groups": "short.txt"}, "not valid JSON"),
        ({"labels": "whole.txt", "groups": "list.json"}, "must hold groups"),
        ({"labels": "whole.txt", "groups": "text.json"}, "must hold groups"),
        ({"labels": "whole.txt", "groups": "number.json"}, "must hold groups"),
        ({"groups": "list.json"}, "labels=FILE"),
    ],
)
def test_what_is_wrong_with_files(tmp_path, settings, words):
    write(tmp_path / "whole.txt", "\n".join(LINES))
    write(tmp_path / "short.txt", "a\nb\n")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    write(tmp_path / "list.json", '["cat"]')
    write(tmp_path / "text.json", '{"cat": "tabby"}')
    write(tmp_path / "number.json", '{"cat": [1]}')
    files = {name: tmp_path / file for name, file in settings.items()}
    with pytest.raises(ZooError, match=words):
        read_class_names(hub(tmp_path / "inside" / "module", **files), 9)


def test_the_groups_are_those_of_imagenet():
    """In ImageNet's order the breeds of dogs follow one another, and so do the domestic cats."""
    folder = os.environ.get("ZOO_HUB")
    if not folder:
        pytest.skip("ZOO_HUB names no folder with a classifier")
    lines = (Path(folder) / "imagenet_labels_1001.txt").read_text(encoding="utf-8").splitlines()
    names = ClassNames(lines)
    assert names.right_for("dog") == set(range(152, 270))
    assert names.right_for("cat") == set(range(282, 287))
    assert len(GROUPS["dog"]) == 118
    assert not any(map(names.right_for, ("rose", "tulip", "sunflower", "dandelion")))
