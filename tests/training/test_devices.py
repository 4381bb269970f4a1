"""Several devices share each batch: the losses of one device with the whole batch."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import zoo
from zoo import Budget, PhotoSet
from zoo.errors import ZooError
from zoo.photos.loader import PhotoLoader

PROGRAM = Path(__file__).with_name("shared_batches.py")


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_devices_share_batches_as_one_device_sees_them(photo_folder, tmp_path, backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    environment = os.environ | {"KERAS_BACKEND": backend}
    environment["PYTHONPATH"] = str(PROGRAM.parents[2])
    command = [sys.executable, str(PROGRAM), str(photo_folder), str(tmp_path)]
    subprocess.run(command, env=environment, check=True)
    found = json.loads((tmp_path / "found.json").read_text())
    expected = found["one device"]["curves"]
    for name in ("two devices", "resumed"):
        curves = found[name]["curves"]
        assert curves.keys() == expected.keys()
        for curve in expected:
            assert curves[curve] == pytest.approx(expected[curve], rel=2e-6), (name, curve)
        # Adam takes whole steps by gradients that are next to nothing, and so by their rounding.
        assert found[name]["weights"] < 1e-3
    assert found["color"] <= 1


def test_devices_that_cannot_share_are_refused(photo_folder):
    photos, budget = PhotoSet.from_folder(photo_folder), Budget(photos_seen=4)

    def fit(name, devices, **config):
        zoo.create_model(name, **config).fit(photos, budget=budget, size=32, devices=devices)

    with pytest.raises(ZooError, match=r"99 devices .* choose at most \d"):
        fit("mse_regression:tiny", 99)
    with pytest.raises(ZooError, match="at least 1"):
        fit("mse_regression:tiny", 0)
    with pytest.raises(ZooError, match="without gradients"):
        fit("knn_patches:tiny", 2)


def test_batches_that_cannot_be_shared_are_refused(photo_folder, monkeypatch):
    monkeypatch.setattr("zoo.models.gradient.require_devices", lambda count: None)
    photos = PhotoSet.from_folder(photo_folder)
    model = zoo.create_model("mse_regression:tiny", batch_size=5)
    with pytest.raises(ZooError, match="2 devices cannot share 5 photos a step evenly"):
        model.fit(photos, budget=Budget(photos_seen=5), size=32, devices=2)


def test_validation_leaves_out_what_devices_cannot_share(photo_folder, tmp_path):
    photos = PhotoSet.from_folder(photo_folder)
    count = len(photos)

    def loader(multiple):
        return PhotoLoader(photos, 32, 4, augment=False, multiple=multiple, cache_dir=tmp_path)

    assert len(loader(1).photos) == count
    assert len(loader(count - 1).photos) == count - 1
    with pytest.raises(ZooError, match=f"fewer than {count + 1} photos"):
        loader(count + 1)
