import importlib.util
import shutil
from pathlib import Path

import pytest
import skimage.data

from zoo.errors import ZooError
from zoo.photos import samples
from zoo.photos.samples import sample_photos


def test_the_splits_are_fixed_and_apart():
    parts = {part: [p.name for p in sample_photos(part)] for part in ("train", "val", "test")}
    assert parts["val"] == ["retina.jpg"]
    assert parts["test"] == ["astronaut.png", "coffee.png", "flower.jpg"]
    assert {"china.jpg", "rocket.jpg", "grace_hopper.jpg"} < set(parts["train"])
    everything = [photo.name for photo in sample_photos("all")]
    assert everything == parts["train"] + parts["val"] + parts["test"]
    assert len(set(everything)) == 9


def test_they_are_color_photos_without_labels():
    for photo in sample_photos("all"):
        assert not photo.is_gray
        assert photo.label is None
    astronaut = sample_photos("test")[0].read()
    assert (astronaut == skimage.data.astronaut()).all()


def test_an_unknown_split():
    with pytest.raises(ZooError, match=r"'tests'.*train, val, test, all"):
        sample_photos("tests")


def test_a_package_that_is_not_installed(monkeypatch):
    monkeypatch.setattr(samples, "find_spec", lambda name: None)
    with pytest.raises(ZooError, match=r"scikit-learn.*not installed.*pip install"):
        sample_photos("train")


def test_a_missing_photo(monkeypatch, tmp_path):
    installed = importlib.util.find_spec("skimage").origin
    data = tmp_path / "skimage" / "data"
    data.mkdir(parents=True)
    (data.parent / "__init__.py").touch()
    shutil.copy(Path(installed).parent / "data" / "astronaut.png", data)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(importlib.sys.modules, "skimage")
    with pytest.raises(ZooError, match=r"scikit-image.*coffee.png.*no such file.*reinstall"):
        sample_photos("test")
