"""LPIPS against the paper's formula, written out in NumPy."""

import functools

import numpy as np
import pytest

from zoo.errors import ZooError
from zoo.metrics.networks.lpips import SETTINGS, Lpips
from zoo.networks.classifiers import Spec

# torchvision's VGG16: widths of the convolutions, "M" for a pooling, "*" after what is compared.
VGG16 = "64,64,*,M,128,128,*,M,256,256,256,*,M,512,512,512,*,M,512,512,512,*"
WIDTHS = (64, 128, 256, 512, 512)


@functools.cache
def random_vgg():
    generator = np.random.default_rng(0)
    state, number, channels = {}, 0, 3
    for part in VGG16.split(","):
        if part == "*":
            continue
        if part != "M":
            width = int(part)
            kernel = generator.standard_normal((width, channels, 3, 3), "float32")
            state[f"features.{number}.weight"] = kernel * np.float32((2 / channels / 9) ** 0.5)
            state[f"features.{number}.bias"] = generator.standard_normal(width, "float32") / 10
            channels, number = width, number + 1  # the convolution; the rectifier follows
        number += 1
    return state


def random_linear():
    generator = np.random.default_rng(1)
    return {
        f"lin{number}.model.1.weight": generator.random((1, width, 1, 1), "float32")
        for number, width in enumerate(WIDTHS)
    }


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lpips")
    np.savez(folder / "vgg.npz", **random_vgg())
    np.savez(folder / "linear.npz", **random_linear())
    return folder


def spec(weights, linear):
    return Spec.parse(f"keras:VGG16,weights={weights},linear={linear}", SETTINGS)


@pytest.fixture(scope="module")
def distance(files):
    return Lpips(spec(files / "vgg.npz", files / "linear.npz"))


def convolved(x, kernel, bias):
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    return np.maximum(
        np.tensordot(kernel, windows, ((1, 2, 3), (0, 3, 4))) + bias[:, None, None], 0
    )


def features(photo):
    """(H, W, 3) uint8 -> the compared layers' (C, h, w)."""
    x = (photo / 127.5 - 1 - [-0.030, -0.088, -0.188]) / [0.458, 0.448, 0.450]
    x, number, found = x.transpose(2, 0, 1), 0, []
    state = random_vgg()
    for part in VGG16.split(","):
        if part == "*":
            found.append(x)
        elif part == "M":
            height, width = (side // 2 * 2 for side in x.shape[1:])
            x = x[:, :height, :width].reshape(len(x), height // 2, 2, width // 2, 2).max((2, 4))
            number += 1
        else:
            names = (f"features.{number}.weight", f"features.{number}.bias")
            x = convolved(x, *(state[name] for name in names))
            number += 2
    return found


def expected(first, second):
    total = 0.0
    weights = [value.reshape(-1, 1, 1) for value in random_linear().values()]
    for weight, *pair in zip(weights, features(first), features(second), strict=True):
        a, b = (x / np.sqrt(np.square(x).sum(axis=0)) for x in pair)
        total += (weight * np.square(a - b)).sum(axis=0).mean()
    return total


def test_it_is_the_formula_of_the_paper(distance):
    truths = np.random.default_rng(2).integers(0, 256, (2, 33, 18, 3), dtype=np.uint8)
    photos = truths[:, :, ::-1]
    found = distance(truths, photos)
    reference = [expected(a, b) for a, b in zip(truths, photos, strict=True)]
    assert found == pytest.approx(reference, rel=1e-4)
    assert distance(photos, truths) == pytest.approx(found, rel=1e-5)


def test_equal_photos_are_at_no_distance_and_small_ones_have_none(distance):
    photo = np.random.default_rng(3).integers(0, 256, (1, 16, 16, 3), dtype=np.uint8)
    # Two equal photos of one batch may differ in the last bits of their features.
    assert distance(photo, photo) == pytest.approx([0.0], abs=1e-9)
    assert np.isnan(distance(photo[:, :15], photo[:, :15])).all()


def test_pytorch_files_give_the_same(files, distance, tmp_path):
    torch = pytest.importorskip("torch", reason="PyTorch, the extra `torch`, is not installed")
    for name in ("vgg", "linear"):
        with np.load(files / f"{name}.npz") as content:
            state = {key: torch.from_numpy(content[key]) for key in content.files}
        torch.save(state | {"classifier.0.bias": torch.zeros(3)}, tmp_path / f"{name}.pth")
    same = Lpips(spec(tmp_path / "vgg.pth", tmp_path / "linear.pth"))
    assert same.sha256 == distance.sha256


@pytest.mark.parametrize(
    "text",
    [
        "keras:VGG16",
        "keras:VGG16,weights=vgg.npz",
        "keras:VGG16,weights=none,linear=linear.npz",
        "keras:VGG19,weights=vgg.npz,linear=linear.npz",
        "hub:folder,linear=linear.npz",
    ],
)
def test_nothing_else_is_called_lpips(text):
    with pytest.raises(ZooError, match=r"LPIPS takes .*weights=FILE,linear=FILE\."):
        Lpips(Spec.parse(text, SETTINGS))


def test_files_that_are_missing_damaged_or_others(files, tmp_path):
    whole = (files / "linear.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    np.savez(tmp_path / "shape.npz", **random_linear() | {"lin4.model.1.weight": np.ones((1, 3))})
    np.savez(
        tmp_path / "nan.npz",
        **random_linear() | {"lin0.model.1.weight": np.full((1, 64, 1, 1), np.nan)},
    )
    np.savez(tmp_path / "code.npz", **{"lin0.model.1.weight": np.array([print], dtype=object)})
    for file in ("cut.npz", "code.npz", "none.npz"):
        with pytest.raises(ZooError, match=f"Cannot read .*{file}.*vgg.pth of the package lpips"):
            Lpips(spec(files / "vgg.npz", tmp_path / file))
    for file, name in (("shape.npz", "lin4"), ("nan.npz", "lin0")):
        with pytest.raises(ZooError, match=f"finite numbers {name}.model.1.weight of shape"):
            Lpips(spec(files / "vgg.npz", tmp_path / file))
    with pytest.raises(ZooError, match=r"features.0.weight of shape .*vgg16-397923af.pth"):
        Lpips(spec(files / "linear.npz", files / "linear.npz"))
