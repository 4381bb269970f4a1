import shutil

import keras
import numpy as np
import pytest
from hub_modules import save_module
from keras import ops

import zoo
from zoo import Budget, PhotoSet, conformance
from zoo.errors import TrainingInterrupted, ZooError
from zoo.fullsize import FullSize
from zoo.inputs import inputs_of_photos
from zoo.models.fusion import Repeat
from zoo.networks.embedding_cache import EmbeddingCache
from zoo.networks.embeddings import open_embedding
from zoo.photos.loader import Samples


@pytest.fixture
def photos(photo_folder):
    return PhotoSet.from_folder(photo_folder)


@pytest.fixture
def module(tmp_path):
    return save_module(tmp_path / "module")


def frozen(module, **config):
    return zoo.create_model("fusion:tiny", embedding=f"hub:{module}", **config)


def test_the_paper_s_network_has_its_parameters():
    """Counted by hand from the layers of table 1, with 1,257 channels to fuse."""
    network = zoo.create_model("fusion:paper").networks["colorizer"]
    convolutions = [(1, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 512)]
    convolutions += [(512, 512), (512, 256), (256, 128), (128, 64), (64, 64), (64, 32), (32, 2)]
    expected = sum(9 * a * b + b for a, b in convolutions) + 1257 * 256 + 256
    assert sum(np.prod(v.shape) for v in network.trainable_variables) == expected == 6_574_050
    assert network.get_layer("fusion").kernel.shape == (1, 1, 1257, 256)
    assert network.get_layer("encoder8").output.shape[-1] == 256
    shapes = {name: tensor.shape for name, tensor in network.input.items()}
    assert shapes == {"lightness": (None, None, None, 1), "embedding": (None, 1001)}


def test_the_paper_s_network_works_at_an_eighth_and_gives_full_size():
    network = zoo.create_model("fusion:paper", width=4, embedding="zeros,width=3")
    colorizer = network.networks["colorizer"]
    inside = keras.Model(colorizer.input, colorizer.get_layer("encoder8").output)
    shapes = {"lightness": (1, 32, 48, 1), "embedding": (1, 3)}
    inputs = {name: np.zeros(shape, "float32") for name, shape in shapes.items()}
    assert inside(inputs).shape == (1, 4, 6, 16)
    assert colorizer(inputs).shape == (1, 32, 48, 2)
    assert np.abs(ops.convert_to_numpy(colorizer(inputs))).max() <= 1


@pytest.mark.parametrize(("embedding", "channels"), [("zeros,width=7", 7), ("scratch,width=5", 5)])
def test_the_fusion_s_width_follows_the_embedding(embedding, channels):
    model = zoo.create_model("fusion:tiny", embedding=embedding)
    assert model.networks["colorizer"].get_layer("fusion").kernel.shape == (1, 1, 8 + channels, 8)


def test_a_vector_is_repeated_over_all_places():
    rng = np.random.default_rng(0)
    features, vector = rng.normal(size=(2, 3, 5, 4)), rng.normal(size=(2, 6))
    repeated = ops.convert_to_numpy(Repeat()(features, vector))
    assert repeated.shape == (2, 3, 5, 6)
    for y in range(3):
        for x in range(5):
            np.testing.assert_allclose(repeated[:, y, x], vector, rtol=1e-6)


def test_the_loss_is_half_the_sum_over_the_pixels():
    """1/(2HW) times the sum over both channels, the report's normalization, at a tanh's scale."""
    from skimage.color import rgb2lab

    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (1, 16, 24, 3), dtype=np.uint8)
    output = rng.uniform(-1, 1, (1, 16, 24, 2)).astype("float32")
    model = zoo.create_model("fusion:paper", width=4, embedding="zeros,width=3")
    expected = ((output - rgb2lab(rgb)[..., 1:] / 127) ** 2).sum() / (2 * 16 * 24)
    assert float(model.loss({"rgb": rgb}, output)) == pytest.approx(expected, rel=1e-4)


def test_labels_add_their_cross_entropy():
    """Of three photos the second has no label: its row adds nothing."""
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    ab = rng.uniform(-1, 1, (3, 8, 8, 2)).astype("float32")
    logits = rng.normal(size=(3, 4)).astype("float32")
    model = zoo.create_model("fusion:tiny", class_weight=0.5)
    color = float(model.loss({"rgb": rgb}, ab))
    model._classes = ("a", "b", "c", "d")
    entropy = [np.log(np.exp(row).sum()) - row[k] for row, k in ((logits[0], 2), (logits[2], 1))]
    expected = color + 0.5 * sum(entropy) / 3
    both = float(model.loss({"rgb": rgb, "label": np.array([2, -1, 1])}, [ab, logits]))
    assert both == pytest.approx(expected, rel=1e-5)


def test_own_features_learn_the_labels(photos):
    """The photos' labels can be told from the features when, and only when, they were taught."""
    history = conformance.fit(zoo.create_model("fusion:tiny", class_weight=1.0), photos)
    without = conformance.fit(zoo.create_model("fusion:tiny", class_weight=0.0), photos)
    assert history.curves["loss"][0] > 0.3  # ln 2 to begin with
    assert without.curves["loss"][0] < 0.2
    # Validation photos are scored by their colors alone.
    assert history.curves["val_loss"][0] < 0.2


def test_labels_are_learned_while_there_are_several(photos):
    model = zoo.create_model("fusion:tiny")
    conformance.fit(model, photos)
    assert model._classes == ("sea", "tree")
    conformance.fit(model, PhotoSet(tuple(p for p in photos if p.label == "sea")))
    assert model._classes == ()


def test_the_saved_model_has_no_classes(photos, tmp_path):
    model = zoo.create_model("fusion:tiny")
    conformance.fit(model, photos)
    assert not [name for name in model.variables() if "classes" in name]


def test_the_embedding_changes_colors_everywhere(module):
    model = frozen(module)
    head = model.networks["colorizer"].get_layer("head")
    head.kernel.assign(np.random.default_rng(0).normal(size=head.kernel.shape))
    lightness = np.full((1, 32, 48, 1), 60, "float32")
    one, other = (
        model.decode(model.predict({"lightness": lightness, "embedding": vector}))
        for vector in (np.full((1, 9), value, "float32") for value in (0, 3))
    )
    assert (np.abs(one - other).max(axis=-1) > 0).all()


def test_zeros_leave_the_vector_out(photos):
    """Of a model with zeros, the part of the fusion that meets the vector never moves."""
    model = zoo.create_model("fusion:tiny", embedding="zeros,width=9")
    before = conformance.weights_of(model)["colorizer/fusion/kernel"]
    conformance.fit(model, photos)
    after = conformance.weights_of(model)["colorizer/fusion/kernel"]
    vector_part = (0, 0, slice(8, None))
    norm = model.networks["colorizer"].get_layer("embedding_norm")
    assert (before[0, 0, :8] != after[0, 0, :8]).any()
    # What is left is the norm's offset, the same for every photo.
    assert np.abs(before[vector_part] - after[vector_part]).max() < 0.1
    np.testing.assert_array_equal(ops.convert_to_numpy(norm.moving_mean), np.zeros(9))


def test_a_photo_is_embedded_at_the_classifier_s_own_size(module):
    """A fine pattern that the working size would blur reaches the classifier."""
    photo = np.zeros((64, 64, 3), np.uint8)
    photo[:4, :4] = 255  # one pixel of the module's 16, far less than one of a working size of 16
    model = frozen(module)
    assert model.inputs[1].side == 16
    assert inputs_of_photos(model.inputs, FullSize(photo[None]), 1)["embedding"][0, 0] > 0.8
    small = FullSize(photo[None]).working_lightness((4, 4))
    squares = zoo.preprocessing.resample_lightness(small, (16, 16))
    assert model.inputs[1].derive(squares)[0, 0] < 0.5


def test_stored_and_computed_vectors_give_the_same_photo(photos, module):
    model = frozen(module)
    conformance.fit(model, photos)
    cache = EmbeddingCache(model.embedding)
    positions = np.arange(len(photos))
    stored = cache.rows(photos)(Samples(None, positions, positions < 0, positions, seed=0))
    for index, photo in enumerate(photos):
        rgb = photo.read()[None]
        seen = inputs_of_photos(model.inputs, FullSize(rgb), 2)
        vectors = stored[index : index + 1]
        np.testing.assert_allclose(vectors, seen["embedding"], rtol=1e-6, atol=1e-7)
        computed, given = (
            model.decode(model.predict(inputs)) for inputs in (seen, seen | {"embedding": vectors})
        )
        np.testing.assert_allclose(given, computed, atol=1e-4)


def test_training_uses_the_stored_vectors(photos, module, monkeypatch):
    model = frozen(module)
    EmbeddingCache(model.embedding).fill(photos)

    def fail(gray):
        raise AssertionError("a photo was embedded again")

    monkeypatch.setattr(model.embedding, "vectors", fail)
    conformance.fit(model, photos)


def test_saved_and_loaded_exactly(photos, module, tmp_path):
    model = frozen(module)
    conformance.fit(model, photos)
    saved = model.save(tmp_path / "model")
    again = zoo.load_model(saved)
    np.testing.assert_array_equal(again.colorize(photos[0].path), model.colorize(photos[0].path))


def test_a_missing_or_different_embedding_is_refused(module, tmp_path):
    saved = frozen(module).save(tmp_path / "model")
    moved = module.rename(tmp_path / "elsewhere")
    with pytest.raises(ZooError, match=r"no TF Hub module in .*module"):
        zoo.load_model(saved)
    save_module(module, seed=1)
    with pytest.raises(ZooError, match=r"embedding hub:.* is another one than .*put the original"):
        zoo.load_model(saved)
    shutil.rmtree(module)
    moved.rename(module)
    zoo.load_model(saved)


def test_a_resumed_training_with_an_embedding_is_an_undisturbed_one(photos, module, tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            import signal

            if batch == 1 and self.params["steps"] == 2:
                signal.raise_signal(signal.SIGINT)

    settings = {"budget": Budget(photos_seen=80)}
    undisturbed = frozen(module)
    conformance.fit(undisturbed, photos, **settings)
    with pytest.raises(TrainingInterrupted):
        conformance.fit(
            frozen(module), photos, run_dir=tmp_path / "run", callbacks=[Stop()], **settings
        )
    resumed = frozen(module)
    conformance.fit(resumed, photos, run_dir=tmp_path / "run", resume=True, **settings)
    conformance.same_weights(undisturbed, resumed)


def test_a_training_is_not_resumed_with_another_embedding(photos, module, tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            import signal

            signal.raise_signal(signal.SIGINT)

    with pytest.raises(TrainingInterrupted):
        conformance.fit(frozen(module), photos, run_dir=tmp_path / "run", callbacks=[Stop()])
    shutil.rmtree(module)
    save_module(module, seed=1)
    with pytest.raises(ZooError, match=r"another run \(different: references\)"):
        conformance.fit(frozen(module), photos, run_dir=tmp_path / "run", resume=True)


def test_every_parameter_of_a_frozen_fusion_gets_a_gradient(module):
    model = frozen(module)
    graph = model.task()
    graph.compile(optimizer=keras.optimizers.SGD(1.0), jit_compile=False)
    rng = np.random.default_rng(0)
    before = [np.array(ops.convert_to_numpy(v)) for v in graph.trainable_variables]
    rgb = rng.integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    graph.train_on_batch({"rgb": rgb, "embedding": rng.normal(size=(4, 9)).astype("float32")})
    for variable, old in zip(graph.trainable_variables, before, strict=True):
        assert (ops.convert_to_numpy(variable) != old).any(), variable.path


def test_the_paper_with_its_classifier(photos, tmp_path):
    """A module that looks from outside like Inception-ResNet-v2 with 1,001 classes."""
    save_module(tmp_path / "inception", size=299, width=1001)
    model = zoo.create_model(
        "fusion:paper", embedding=f"hub:{tmp_path / 'inception'}", width=8, batch_size=2
    )
    assert (model.embedding.size, model.embedding.width) == (299, 1001)
    history = conformance.fit(
        model, photos[:2], budget=Budget(photos_seen=4), size=32, run_dir=tmp_path / "run"
    )
    assert history.photos_seen >= 4
    again = zoo.load_model(model.save(tmp_path / "model"))
    colored = again.colorize(photos[0].path)
    np.testing.assert_array_equal(colored, model.colorize(photos[0].path))
    assert colored.shape == photos[0].read().shape


@pytest.mark.usefixtures("eager")
def test_weight_decay_goes_with_labels(photos):
    """Beside the colors the network then gives classes, which have no places."""
    model = zoo.create_model("fusion:tiny", weight_decay=1e-3)
    history = model.fit(photos, budget=Budget(photos_seen=4), size=32, precision="float32")
    assert len(photos.labels) > 1
    assert np.isfinite(history.curves["loss"][0])


#: Around an encoder that stays as it came, and so says itself what it sees.
OWN = {
    "architecture": "encoder_unet",
    "encoder": "efficientnet_lite0",
    "frozen_levels": 5,
    "embedding": "encoder",
}


def test_an_untouched_encoder_gives_its_classes_itself(photos, eager):
    """As the same classifier beside the network would, and training changes neither."""
    model = zoo.create_model("fusion:tiny", **OWN)
    assert [declared.name for declared in model.inputs] == ["lightness"]
    colorizer = model.networks["colorizer"]
    said = keras.Model(colorizer.input, colorizer.get_layer("encoder_classes").output)
    lightness = np.random.default_rng(0).uniform(0, 100, (2, 64, 64, 1)).astype("float32")
    found = ops.convert_to_numpy(said({"lightness": model.scale_lightness(lightness)}))
    beside = open_embedding("encoder:efficientnet_lite0,size=64")
    np.testing.assert_allclose(found, beside.of_squares(lightness), atol=1e-4)

    before = model.weight_values()
    model.fit(photos, budget=Budget(photos_seen=8))
    after = model.weight_values()
    moved = {name for name in before if (before[name] != after[name]).any()}
    assert not [name for name in moved if "/encoder_" in name]
    assert "colorizer/fusion/kernel" in moved


def test_classes_of_an_encoder_that_learns_are_refused():
    with pytest.raises(ZooError, match=r"stays as it came.*frozen_levels=5"):
        zoo.create_model("fusion:tiny", **OWN | {"frozen_levels": 3})
    with pytest.raises(ZooError, match="stays as it came"):
        zoo.create_model("fusion:tiny", embedding="encoder")
