import io
import shutil

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

from benchmarks.release import packing
from zoo import PhotoSet, load_model
from zoo.card import read_card
from zoo.errors import ZooError

numbers = st.floats(-65000, 65000, width=32)


@given(st.lists(numbers, min_size=1, max_size=20), st.integers(1, 10))
def test_rounding_is_to_the_nearest_number_of_so_many_bits(values, bits):
    values = np.array(values, "float32")
    rounded = packing.round_mantissa(values, bits)
    assert rounded.dtype == np.float16
    half = values.astype(np.float16)
    # Numbers of so many bits: multiples of a power of two, of the exponent of the half.
    _, exponent = np.frexp(half.astype("float64"))
    step = 2.0 ** np.maximum(exponent - 1 - bits, -24 + 10 - bits)
    finite = np.isfinite(rounded)
    expected = np.rint(half.astype("float64") / step) * step
    np.testing.assert_array_equal(rounded[finite].astype("float64"), expected[finite])


def test_ten_bits_are_float16():
    values = np.random.default_rng(0).normal(size=1000).astype("float32")
    np.testing.assert_array_equal(packing.round_mantissa(values, 10), values.astype(np.float16))


def test_vectors_whole_numbers_and_huge_values_stay():
    values = {
        "kernel": np.full((2, 2), 1 / 3, "float32"),
        "bias": np.full(2, 1 / 3, "float32"),
        "labels": np.ones((2, 2), "int32"),
        "huge": np.full((2, 2), 1e6, "float32"),
    }
    packed = packing.pack_arrays(values, 7)
    assert packed["kernel"].dtype == np.float16
    for name in ("bias", "labels", "huge"):
        assert packed[name] is values[name]


def test_the_packed_model_is_the_rounded_one(trained_by_recipe):
    runs = trained_by_recipe.parent / "runs"
    exact, packed = (load_model(folder / "mse_regression") for folder in (runs, trained_by_recipe))
    card = packed.card
    assert card.packing.from_sha256 == exact.card.weights_sha256
    for name, variable in exact.variables().items():
        value, got = map(ops.convert_to_numpy, (variable, packed.variables()[name]))
        assert got.dtype == value.dtype
        # Seven bits after the leading one: half a unit of the last is 2 ** -8; and float16's.
        np.testing.assert_allclose(got, value, rtol=2**-8 + 2**-11, atol=1e-6)
        assert value.ndim > 1 or (got == value).all()
    with np.load(trained_by_recipe / "mse_regression" / "weights.npz") as stored:
        assert {stored[name].dtype for name in stored if stored[name].ndim > 1} == {
            np.dtype("float16")
        }


def test_the_card_says_what_the_text_asks_for(trained_by_recipe):
    card = read_card(trained_by_recipe / "mse_regression")
    assert card.training.photos == 6
    assert len(card.training.fingerprint) == 64
    assert card.training.photos_seen == 16
    assert card.training.backend == keras.backend.backend()
    assert all((card.environment.processor, card.environment.python, card.environment.numpy))
    assert "6 photos" in card.about.photos
    assert all(vars(card.about).values())
    (scored,) = card.validation_scores.values()
    assert scored.photos == 6
    assert scored.summary["ciede2000"].low < scored.summary["ciede2000"].high
    assert card.test_scores == {}


def test_the_temperature_is_the_one_that_validation_photos_choose(trained_by_recipe):
    model = load_model(trained_by_recipe / "knn_patches")
    chosen = model.card.temperature
    assert model.defaults["temperature"] == chosen.chosen
    photos = PhotoSet.from_folder(trained_by_recipe.parent / "validation" / "photos")
    assert chosen.study.fingerprint == photos.fingerprint


@pytest.fixture
def source(trained_by_recipe):
    return trained_by_recipe.parent / "runs" / "mse_regression"


@pytest.fixture
def validation(trained_by_recipe):
    return PhotoSet.from_folder(trained_by_recipe.parent / "validation" / "photos")


def test_a_file_that_is_too_large_gets_fewer_bits(source, validation, tmp_path, monkeypatch):
    exact = {name: np.array(v) for name, v in load_model(source).variables().items()}
    sizes = {bits: size_of(packing.pack_arrays(exact, bits)) for bits in (10, 6)}
    assert sizes[6] < sizes[10]
    monkeypatch.setattr(packing, "LARGEST", sizes[6] + 1)
    found = packing.pack(source, tmp_path / "out", validation, None, bits=(10, 6))
    assert found.mantissa_bits == 6
    assert (tmp_path / "out" / "weights.npz").stat().st_size == sizes[6]
    monkeypatch.setattr(packing, "LARGEST", 100)
    with pytest.raises(ZooError, match="train a narrower network"):
        packing.pack(source, tmp_path / "none", validation, None)
    assert not (tmp_path / "none").exists()


def size_of(arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.tell()


def test_other_colors_are_refused(source, validation, tmp_path):
    with pytest.raises(ZooError, match="colors differently"):
        packing.pack(source, tmp_path / "out", validation, None, bits=[1])
    assert not (tmp_path / "out").exists()


def test_packing_again_replaces_the_folder(source, validation, tmp_path):
    shutil.copytree(source, tmp_path / "out")
    packing.pack(source, tmp_path / "out", validation, None)
    assert load_model(tmp_path / "out").card.about is None
