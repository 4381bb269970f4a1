"""NoGAN: its stages, who learns in which, the critic's photos, and where the joint stage ends."""

import signal

import keras
import numpy as np
import pytest
import skimage.color
import skimage.data
from conftest import make_photo_folder
from keras import ops
from PIL import Image

import zoo
from zoo import Budget, PhotoSet
from zoo.errors import TrainingInterrupted, ZooError
from zoo.models.adversarial.nogan import NoGANConfig
from zoo.models.adversarial.perceptual import (
    ALTERATIONS,
    alter,
    color_features,
    feature_distance,
    own_features,
    pretrained_features,
)
from zoo.models.adversarial.stages import (
    critic_stage,
    feature_stage,
    generator_stage,
    joint_stage,
    settled,
)
from zoo.networks.encoders.efficientnet import EfficientNetLite
from zoo.photos.decoding import write_photo
from zoo.plotting.training import TrainingPlot
from zoo.training.plan import TrainingPlan
from zoo.training.trainer import Trainer

rng = np.random.default_rng

ENCODER = "encoder:efficientnet_lite0"


@pytest.fixture
def photos(photo_folder):
    return PhotoSet.from_folder(photo_folder)


def tiny(**config):
    return zoo.create_model("nogan:tiny", **config)


def as_numpy(tensor):
    return np.array(ops.convert_to_numpy(tensor))


def plan(photos_seen=48, **settings):
    defaults = {
        "budget": Budget(photos_seen=photos_seen),
        "sizes": (32,),
        "precision": "float32",
        "run_dir": None,
        "resume": False,
        "callbacks": (),
        "progress": False,
    }
    return TrainingPlan(**(defaults | settings))


def weights(model):
    return {
        name: [as_numpy(variable) for variable in network.weights]
        for name, network in model.networks.items()
    }


def moved(before, after):
    return {
        name
        for name, values in before.items()
        if any((new != old).any() for new, old in zip(after[name], values, strict=True))
    }


# ---------------------------------------------------------------------- features


@pytest.mark.core
def test_alterations_by_hand():
    ab = rng(0).normal(size=(6, 3, 5, 2)).astype("float32")
    altered, kinds = (as_numpy(part) for part in alter(ab))
    assert kinds.tolist() == [0, 1, 2, 3, 0, 1]
    np.testing.assert_array_equal(altered[0], ab[0])
    np.testing.assert_array_equal(altered[1], ab[0])
    np.testing.assert_array_equal(altered[5], ab[4])
    turned = (ab[2][..., 0] + 1j * ab[2][..., 1]) * 1j
    np.testing.assert_array_equal(altered[2], np.stack([turned.real, turned.imag], axis=-1))
    np.testing.assert_allclose(altered[3], 0.4 * ab[3], rtol=1e-6)


@pytest.mark.core
def test_the_distance_is_nothing_between_equals_and_knows_no_scale():
    network = color_features(4, seed=0)
    lightness, true, made = (
        rng(seed).uniform(-1, 1, (2, 16, 16, channels)).astype("float32")
        for seed, channels in ((0, 1), (1, 2), (2, 2))
    )
    features = own_features(network)
    distance = feature_distance(features, (1.0, 1.0, 1.0))
    assert float(distance(lightness, true, true)) == 0
    found = float(distance(lightness, true, made))
    scaled = feature_distance(
        lambda *pair: [7.0 * level for level in features(*pair)], (1.0, 1.0, 1.0)
    )
    assert float(scaled(lightness, true, made)) == pytest.approx(found, rel=1e-4)
    shares = [
        np.abs(as_numpy(b) - as_numpy(a)).mean() / np.abs(as_numpy(a)).mean()
        for a, b in zip(features(lightness, true), features(lightness, made), strict=True)
    ]
    assert found == pytest.approx(np.mean(shares), rel=1e-4)
    weighted = float(feature_distance(features, (0.0, 7.0, 1.0))(lightness, true, made))
    assert weighted == pytest.approx((7 * shares[1] + shares[2]) / 8, rel=1e-4)


def test_our_own_network_learns_to_tell_alterations(photos):
    model = tiny(feature_width=8)
    history = Trainer(feature_stage(model, photos, photos, plan(800))).run()
    accuracy = history.curves["accuracy"]
    assert accuracy[-1] > accuracy[0]
    assert accuracy[-1] > 1.5 / ALTERATIONS


def test_a_pretrained_network_has_levels_and_a_gradient():
    import tensorflow as tf

    features = pretrained_features("keras:VGG16,weights=none", 5)
    lightness = tf.constant(rng(0).uniform(-1, 1, (1, 32, 32, 1)).astype("float32"))
    made = tf.Variable(rng(1).uniform(-0.3, 0.3, (1, 32, 32, 2)).astype("float32"))
    with tf.GradientTape() as tape:
        levels = features(lightness, made)
        total = sum(tf.reduce_sum(level) for level in levels)
    assert [tuple(level.shape[1:]) for level in levels] == [
        (32, 32, 64),
        (16, 16, 128),
        (8, 8, 256),
        (4, 4, 512),
        (2, 2, 512),
    ]
    assert np.abs(as_numpy(tape.gradient(total, made))).max() > 0
    with pytest.raises(ZooError, match="VGG61"):
        pretrained_features("keras:VGG61", 3)
    with pytest.raises(ZooError, match="features of 6 sizes, and not of 7"):
        pretrained_features("keras:VGG16,weights=none", 7)


def astronaut(side=64):
    """RGB, scaled L and scaled ab of a photo: (1, side, side, C) float32."""
    photo = Image.fromarray(skimage.data.astronaut()).resize((side, side))
    lab = skimage.color.rgb2lab(np.asarray(photo)).astype("float32")[None]
    return np.asarray(photo)[None].astype("float32"), lab[..., :1] / 50 - 1, lab[..., 1:] / 110


def test_an_encoders_features_are_those_of_the_classifier_on_the_color_photo():
    """By the classifier's own blocks, whose last ones at each size the network's table names."""
    rgb, lightness, ab = astronaut()
    encoder = EfficientNetLite("efficientnet_lite0")
    photo = keras.Input((None, None, 3))
    classifier = keras.Model(photo, encoder.classifier(photo))
    encoder.put_weights(classifier)
    last = ("0_project_norm", "2_add", "4_add", "10_add", "15_project_norm")
    levels = [classifier.get_layer(f"encoder_block{name}").output for name in last]
    expected = keras.Model(photo, levels)(rgb / 127.5 - 1)
    found = pretrained_features(ENCODER, 5)(lightness, ab)
    for one, other, side in zip(found, expected, (32, 16, 8, 4, 2), strict=True):
        assert one.shape[1:3] == (side, side)
        other = as_numpy(other)
        # Through float32 Lab and back a value moves by some 1e-5.
        np.testing.assert_allclose(as_numpy(one), other, atol=1e-3 * np.abs(other).max())
    gray = pretrained_features(ENCODER, 5)(lightness, 0 * ab)
    assert all(np.abs(as_numpy(a - b)).max() > 0.1 for a, b in zip(found, gray, strict=True))


def test_a_network_of_keras_sees_the_photo_by_its_own_preprocessing(tmp_path):
    """VGG16 takes blue, green and red, each less its mean."""
    trunk = keras.applications.VGG16(include_top=False, weights=None)
    file = str(tmp_path / "trunk.weights.h5")
    trunk.save_weights(file)
    rgb, lightness, ab = astronaut()
    expected = trunk(keras.applications.vgg16.preprocess_input(rgb.copy()))
    *_, found = pretrained_features(f"encoder:keras:VGG16,weights={file}", 5)(lightness, ab)
    expected = as_numpy(expected)
    np.testing.assert_allclose(as_numpy(found), expected, atol=1e-3 * np.abs(expected).max())


def test_the_distance_by_an_encoder_grows_with_the_chromas_error_and_has_a_gradient():
    import tensorflow as tf

    _, lightness, ab = astronaut(48)  # reflected up to 64 px
    distance = feature_distance(pretrained_features(ENCODER, 5), (1.0, 4.0, 4.0, 1.0, 0.0))
    found = [float(distance(lightness, ab, share * ab)) for share in (1.0, 0.9, 0.5, 0.0)]
    assert found[0] == 0
    assert found == sorted(set(found))

    def gradient(lightness, truth, made):
        with tf.GradientTape() as tape:
            tape.watch(made)
            loss = distance(lightness, truth, made)
        return tape.gradient(loss, made)

    pairs = [tf.constant(x) for x in (lightness, ab, 0.5 * ab)]
    found = as_numpy(gradient(*pairs))
    assert np.isfinite(found).all()
    assert np.abs(found).max(axis=(0, 3)).min() > 0  # at every pixel


def test_the_distance_by_an_encoder_compiles():
    """XLA leaves out the levels of weight 0, which would take it a minute."""
    import tensorflow as tf

    _, lightness, ab = astronaut(32)
    distance = feature_distance(pretrained_features(ENCODER, 5), (1.0, 0.0, 0.0, 0.0, 0.0))

    def gradient(lightness, truth, made):
        with tf.GradientTape() as tape:
            tape.watch(made)
            loss = distance(lightness, truth, made)
        return tape.gradient(loss, made)

    pairs = [tf.constant(x) for x in (lightness, ab, 0.5 * ab)]
    plain, compiled = (
        as_numpy(tf.function(gradient, jit_compile=jit)(*pairs)) for jit in (False, True)
    )
    np.testing.assert_allclose(compiled, plain, atol=1e-3 * np.abs(plain).max())


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("features", ["keras:VGG16,weights=none", f"{ENCODER},weights=none"])
def test_with_pretrained_features_no_network_of_our_own_is_trained(photos, monkeypatch, features):
    def take_all_steps(trainer, part, callbacks, interrupted):
        trainer.progress.step = trainer.rounds * trainer.round_steps

    monkeypatch.setattr(Trainer, "_fit", take_all_steps)
    model = tiny(features=features, level_weights=(1.0,) * 5)
    assert set(model.networks) == {"colorizer", "discriminator"}
    history = model.fit(photos, budget=Budget(photos_seen=400), size=32, precision="float32")
    stages = {stage["name"]: stage["photos_seen"] for stage in history.details["stages"]}
    assert list(stages) == ["generator", "critic1", "joint1"]
    # The feature network's share of 0.08 is the generator's.
    assert stages["generator"] == pytest.approx(0.6 * 400, rel=0.03)
    assert stages["critic1"] == 40
    assert stages["joint1"] == pytest.approx(0.3 * 400, rel=0.05)


@pytest.mark.usefixtures("eager")
def test_an_encoder_judges_and_stays_what_it_was(tmp_path, monkeypatch):
    """A training is stopped, goes on through all stages, is saved: the encoder is no part of it."""
    seen = []

    def watched(encoder, network):
        put_weights(encoder, network)
        seen.append((network, network.get_weights()))

    put_weights = EfficientNetLite.put_weights
    monkeypatch.setattr(EfficientNetLite, "put_weights", watched)
    photos = PhotoSet.from_folder(make_photo_folder(tmp_path, side=64))
    settings = {"budget": Budget(photos_seen=24), "size": 64, "precision": "float32"}
    settings |= {"run_dir": tmp_path / "run", "resume": True}
    chosen = {"features": ENCODER, "level_weights": (1.0, 4.0, 4.0, 1.0, 0.0)}

    class Stop(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if "discriminator" in self.model.networks:
                signal.raise_signal(signal.SIGINT)

    with pytest.raises(TrainingInterrupted):
        tiny(**chosen).fit(photos, callbacks=[Stop()], **settings)
    model = tiny(**chosen)
    before = weights(model)
    history = model.fit(photos, **settings)
    names = ["generator", "critic1", "joint1"]
    assert [stage["name"] for stage in history.details["stages"]] == names
    assert np.isfinite(history.curves["loss"]).all()
    assert moved(before, weights(model)) == {"colorizer", "discriminator"}
    assert len(seen) == 3  # for the generator twice, for both nets once
    for network, before in seen:
        for one, other in zip(network.get_weights(), before, strict=True):
            np.testing.assert_array_equal(one, other)
    count = len(seen)
    with np.load(model.save(tmp_path / "model") / "weights.npz") as stored:
        names = list(stored)
    assert {name.partition("/")[0] for name in names} == {"colorizer", "discriminator"}
    assert not [name for name in names if "encoder_" in name]
    zoo.load_model(tmp_path / "model")
    assert len(seen) == count


# ---------------------------------------------------------------------- stages


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    ("stage", "learning"), [(feature_stage, "features"), (generator_stage, "colorizer")]
)
def test_one_net_learns_and_the_others_stay(photos, stage, learning):
    model = tiny()
    before = weights(model)
    Trainer(stage(model, photos, photos, plan(8))).run()
    assert moved(before, weights(model)) == {learning}


@pytest.mark.usefixtures("eager")
def test_the_critic_learns_alone_from_what_is_written_out(photos, tmp_path):
    model = tiny()
    before = weights(model)
    made = tmp_path / "made.npy"
    stage = critic_stage(model, photos, photos, plan(24), cycle=1, made=made)
    Trainer(stage).run()
    assert moved(before, weights(model)) == {"discriminator"}
    stored = np.load(made)
    assert stored.shape == (1, 4, 16, 16, 2)  # 6 photos: one whole batch of 4
    loader = stage.loader(32, 6)
    generator = model.networks["colorizer"]
    for step in range(3):
        (batch,) = loader[step]
        np.testing.assert_array_equal(batch["made"], stored[0])
        expected = as_numpy(generator(model.network_input(batch), training=False))
        np.testing.assert_allclose(batch["made"], expected, atol=2e-3)


@pytest.mark.usefixtures("eager")
def test_photos_that_are_too_small_leave_the_colors_of_the_others_in_place(photos, tmp_path):
    random = rng(0)
    for number, side in enumerate((16, 40, 40)):
        rgb = random.integers(0, 256, (side, side, 3), np.uint8)
        write_photo(tmp_path / "few" / f"{number}.png", rgb)
    model, validation = tiny(), PhotoSet.from_folder(tmp_path / "few")
    stage = critic_stage(model, photos, validation, plan(24), cycle=1, made=tmp_path / "made.npy")
    (batch,) = stage.validation[0]
    assert len(batch["rgb"]) == 2
    expected = as_numpy(model.networks["colorizer"](model.network_input(batch), training=False))
    np.testing.assert_allclose(batch["made"], expected, atol=2e-3)


def test_the_critic_settles_once_it_can_tell(photos, tmp_path):
    """An untrained generator's gray is easily told from true colors."""
    model = tiny(discriminator_rate=5e-3)
    stage = critic_stage(model, photos, photos, plan(4000), cycle=1, made=tmp_path / "made.npy")
    history = Trainer(stage).run()
    assert history.curves["val_accuracy"][-1] > 0.9
    assert "settled" in history.details["ended"]
    assert history.photos_seen < 4000


def test_an_accuracy_that_still_rises_or_is_chance_has_not_settled():
    assert settled({"accuracy": [0.6, 0.7, 0.8, 0.9, 0.95]}) is None
    assert settled({"accuracy": [0.5, 0.5, 0.5, 0.5, 0.5]}) is None
    assert settled({"accuracy": [0.8, 0.8, 0.8]}) is None
    assert "0.801" in settled({"accuracy": [0.6, 0.8, 0.8, 0.801, 0.8]})
    rising = {"accuracy": [0.9] * 6, "val_accuracy": [0.6, 0.65, 0.7, 0.75, 0.8, 0.85]}
    assert settled(rising) is None


@pytest.mark.usefixtures("eager")
def test_critic_and_joint_stage_resume_to_the_same_weights(photos, tmp_path):
    """Ctrl-C in the critic's first step, and then in a step of both nets together."""

    class Stop(keras.callbacks.Callback):
        left = 4

        def on_train_batch_begin(self, batch, logs=None):
            self.left -= 1
            if self.left == 0:
                signal.raise_signal(signal.SIGINT)

    # A step for the features, two each for generator and critic, and five for both together.
    shares = {"shares": (0.1, 0.2, 0.2)}
    settings = {"budget": Budget(photos_seen=40), "size": 32, "precision": "float32"}
    undisturbed = tiny(**shares)
    expected = undisturbed.fit(photos, photos[:3], **settings)
    stop = Stop()
    for stage, steps in (("critic1", 3), ("joint1", None)):
        again = settings | {"run_dir": tmp_path, "resume": True, "callbacks": [stop]}
        with pytest.raises(TrainingInterrupted):
            tiny(**shares).fit(photos, photos[:3], **again)
        assert (tmp_path / f"checkpoint-{stage}.npz").exists()
        stop.left = steps
    resumed = tiny(**shares)
    again = settings | {"run_dir": tmp_path, "resume": True}
    found = resumed.fit(photos, photos[:3], callbacks=[TrainingPlot(tmp_path)], **again)
    assert found.curves == expected.curves
    assert moved(weights(undisturbed), weights(resumed)) == set()
    assert not list(tmp_path.glob("made*"))
    kept = {path.parent.name.partition("-")[0] for path in tmp_path.glob("checkpoints/*/card.json")}
    assert kept == {"joint1"}
    assert (tmp_path / "training-joint1.png").stat().st_size > 1000


@pytest.mark.usefixtures("eager")
def test_the_budget_is_divided_and_not_passed(photos, monkeypatch):
    """Each stage takes the steps that it may and learns nothing, which is what takes time."""

    def take_all_steps(trainer, part, callbacks, interrupted):
        trainer.progress.step = trainer.rounds * trainer.round_steps

    monkeypatch.setattr(Trainer, "_fit", take_all_steps)
    model = tiny(cycles=2)
    history = model.fit(photos, photos, budget=Budget(photos_seen=200), size=32)
    stages = {stage["name"]: stage["photos_seen"] for stage in history.details["stages"]}
    assert list(stages) == ["features", "generator", "critic1", "joint1", "critic2", "joint2"]
    assert stages["features"] == 16
    assert stages["generator"] == 108  # 26 steps are 9 rounds of 3
    assert stages["critic1"] == stages["critic2"] == 8  # a tenth, halved, in whole batches of 4
    assert sum(stages.values()) == history.photos_seen <= 200


# ---------------------------------------------------------------------- the published recipe


RECIPE = {
    "generator_parts": ("16:6:3e-4:1", "32:3:1e-4:0.5"),
    "critic_parts": ("16:3:1e-3:6", "32:2:1e-4:4"),
    "cycles": 2,
    "joint_batch_size": 2,
}


@pytest.mark.usefixtures("eager")
def test_parts_have_sizes_batches_rates_and_shares_of_their_own(photos, monkeypatch):
    seen = []

    def take_all_steps(trainer, part, callbacks, interrupted):
        rate = float(trainer.task.optimizer.learning_rate)
        seen.append((trainer.stage.name, part.size, trainer.batch_size, rate))
        trainer.progress.step = trainer.rounds * trainer.round_steps

    monkeypatch.setattr(Trainer, "_fit", take_all_steps)
    model = tiny(**RECIPE, shares=(0.02, 0.5, 0.4))
    history = model.fit(photos, budget=Budget(photos_seen=6000), size=32)
    assert [part[:3] for part in seen] == [
        ("features", 32, 4),
        ("generator-16px", 16, 6),
        ("generator-32px", 32, 3),
        ("critic1-16px", 16, 3),
        ("critic1-32px", 32, 2),
        ("joint1", 32, 2),
        ("critic2-32px", 32, 2),
        ("joint2", 32, 2),
    ]
    rates = [part[3] for part in seen]
    assert rates[1:5] == pytest.approx([3e-4, 1e-4, 1e-3, 1e-4])
    photos_seen = {stage["name"]: stage["photos_seen"] for stage in history.details["stages"]}
    expected = {
        "generator-16px": 2000,  # half of 6,000, two to one
        "generator-32px": 1000,
        "critic1-16px": 6 / 14 * 2400,
        "critic1-32px": 4 / 14 * 2400,
        "critic2-32px": 4 / 14 * 2400,
    }
    for name, count in expected.items():
        assert photos_seen[name] == pytest.approx(count, rel=0.05)
    assert photos_seen["joint1"] == pytest.approx(photos_seen["joint2"], rel=0.3)


@pytest.mark.usefixtures("eager")
def test_the_published_recipe_trains_in_small(tmp_path):
    photos = PhotoSet.from_folder(make_photo_folder(tmp_path, side=80))
    model = tiny(
        **RECIPE | {"critic_parts": ("64:3:1e-3:6", "80:2:1e-4:4")},
        output_stride=1,
        critic="deoldify",
        critic_until=0.65,
        joint_frozen=("down*",),
        joint_content=2.0,
        dropout=0.0,
    )
    before = weights(model)
    history = model.fit(photos, budget=Budget(photos_seen=60), size=80)
    assert moved(before, weights(model)) == {"colorizer", "discriminator", "features"}
    names = [stage["name"] for stage in history.details["stages"]]
    assert names[-2:] == ["critic2-80px", "joint2"]
    with pytest.raises(ZooError, match="at least 64 px, and these have 32"):
        model.fit(photos, budget=Budget(photos_seen=60), size=32)


def kernels(model):
    """Weights without the running means of batch normalization, which learn by no gradient."""
    return {name: [v for v in values if v.ndim > 1] for name, values in weights(model).items()}


@pytest.mark.usefixtures("eager")
def test_the_generator_waits_while_the_critic_is_not_good_enough(photos):
    model = tiny(critic_until=1e-6)
    before = kernels(model)
    Trainer(joint_stage(model, photos, None, plan(12), cycle=1)).run()
    assert moved(before, kernels(model)) == {"discriminator"}


@pytest.mark.usefixtures("eager")
def test_one_step_of_the_critic_then_one_of_the_generator(photos):
    """With a loss that is always low enough the nets take turns, the critic first."""
    model = tiny(critic_until=1e6)
    turns, before = [], {}

    class Watch(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            before.update(kernels(model))

        def on_train_batch_end(self, batch, logs=None):
            turns.extend(moved(before, kernels(model)))

    stage = joint_stage(model, photos, None, plan(24, callbacks=(Watch(),)), cycle=1)
    Trainer(stage).run()
    assert turns == ["discriminator", "colorizer"] * 3


@pytest.mark.usefixtures("eager")
def test_frozen_layers_of_the_joint_stage_stay_as_they_are(photos):
    model = tiny(joint_frozen=("down*",))
    seen = {}

    class Watch(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            if set(self.model.networks) == {"generator", "discriminator"}:
                seen.setdefault("before", model.weight_values())

    model.fit(photos, budget=Budget(photos_seen=80), size=32, callbacks=[Watch()])
    after = model.weight_values()
    changed = {name for name, value in seen["before"].items() if (value != after[name]).any()}
    assert any(name.startswith("colorizer/up") for name in changed)
    assert not [name for name in changed if name.startswith("colorizer/down")]
    assert all(layer.trainable for layer in model.networks["colorizer"].layers)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cycles": 0}, "cycles"),
        ({"shares": (0.5, 0.5)}, "shares"),
        ({"shares": (0.5, 0.3, 0.3)}, "shares"),
        ({"shares": (0.0, 0.5, 0.1)}, "shares"),
        ({"joint_rate": 0.0}, "joint_rate"),
        ({"feature_weight": -1.0}, "feature_weight"),
        ({"level_weights": (1.0,)}, "level_weights"),
        ({"level_weights": (0.0, 0.0, 0.0)}, "level_weights"),
        ({"features": "hub:somewhere"}, "write own, keras:NAME or encoder:NAME"),
        ({"features": "encoder"}, "write own, keras:NAME or encoder:NAME"),
        ({"features": "VGG16"}, "write own, keras:NAME or encoder:NAME"),
        ({"features": f"{ENCODER},size=64"}, "write own, keras:NAME or encoder:NAME"),
        ({"features": ENCODER}, "features of 5 levels; got 3 level_weights"),
        (
            {"features": "encoder:efficientnet_lite9"},
            r"^There is no encoder 'efficientnet_lite9' .*: efficientnet_lite0, "
            r"efficientnet_lite1, efficientnet_lite2, keras:NAME\.$",
        ),
        ({"critic": "large"}, "critic"),
        ({"generator_parts": ("64:88:3e-4",)}, "64:88:3e-4"),
        ({"critic_parts": ("64:0:3e-4:1",)}, "size, batch, rate"),
        ({"critic_parts": ("64:2:3e-4:1", "64:1:3e-4:1")}, "critic_parts must be parts of"),
    ],
)
def test_refuses_configurations_that_make_no_sense(change, message):
    with pytest.raises(ZooError, match=message):
        NoGANConfig(**change)
