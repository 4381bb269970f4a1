"""NoGAN: its stages, who learns in which, the critic's photos, and where the joint stage ends."""

import signal

import keras
import numpy as np
import pytest
from keras import ops

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
    settled,
)
from zoo.plotting.training import TrainingPlot
from zoo.training.plan import TrainingPlan
from zoo.training.trainer import Trainer

rng = np.random.default_rng


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
    distance = feature_distance(features)
    assert float(distance(lightness, true, true)) == 0
    found = float(distance(lightness, true, made))
    scaled = feature_distance(lambda *pair: [7.0 * level for level in features(*pair)])
    assert float(scaled(lightness, true, made)) == pytest.approx(found, rel=1e-4)
    shares = [
        np.abs(as_numpy(b) - as_numpy(a)).mean() / np.abs(as_numpy(a)).mean()
        for a, b in zip(features(lightness, true), features(lightness, made), strict=True)
    ]
    assert found == pytest.approx(np.mean(shares), rel=1e-4)


def test_our_own_network_learns_to_tell_alterations(photos):
    model = tiny(feature_width=8)
    history = Trainer(feature_stage(model, photos, photos, plan(800))).run()
    accuracy = history.curves["accuracy"]
    assert accuracy[-1] > accuracy[0]
    assert accuracy[-1] > 1.5 / ALTERATIONS


def test_a_pretrained_network_has_three_levels_and_a_gradient():
    import tensorflow as tf

    features = pretrained_features("keras:VGG16,weights=none")
    lightness = tf.constant(rng(0).uniform(-1, 1, (1, 32, 32, 1)).astype("float32"))
    made = tf.Variable(rng(1).uniform(-0.3, 0.3, (1, 32, 32, 2)).astype("float32"))
    with tf.GradientTape() as tape:
        levels = features(lightness, made)
        total = sum(tf.reduce_sum(level) for level in levels)
    assert [tuple(level.shape[1:]) for level in levels] == [
        (32, 32, 64),
        (16, 16, 128),
        (8, 8, 256),
    ]
    assert np.abs(as_numpy(tape.gradient(total, made))).max() > 0
    with pytest.raises(ZooError, match=r"keras\.applications"):
        pretrained_features("hub:somewhere")
    with pytest.raises(ZooError, match="VGG61"):
        pretrained_features("keras:VGG61")


@pytest.mark.usefixtures("eager")
def test_with_pretrained_features_no_network_of_our_own_is_trained(photos):
    model = tiny(features="keras:VGG16,weights=none")
    assert set(model.networks) == {"colorizer", "discriminator"}
    history = model.fit(photos, budget=Budget(photos_seen=40), size=32, precision="float32")
    assert [stage["name"] for stage in history.details["stages"]] == [
        "generator",
        "critic1",
        "joint1",
    ]


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
        left = 12

        def on_train_batch_begin(self, batch, logs=None):
            self.left -= 1
            if self.left == 0:
                signal.raise_signal(signal.SIGINT)

    settings = {"budget": Budget(photos_seen=80), "size": 32, "precision": "float32"}
    undisturbed = tiny()
    expected = undisturbed.fit(photos, photos[:3], **settings)
    stop = Stop()
    for stage, steps in (("critic1", 4), ("joint1", None)):
        again = settings | {"run_dir": tmp_path, "resume": True, "callbacks": [stop]}
        with pytest.raises(TrainingInterrupted):
            tiny().fit(photos, photos[:3], **again)
        assert (tmp_path / f"checkpoint-{stage}.npz").exists()
        stop.left = steps
    resumed = tiny()
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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cycles": 0}, "cycles"),
        ({"shares": (0.5, 0.5)}, "shares"),
        ({"shares": (0.5, 0.3, 0.3)}, "shares"),
        ({"shares": (0.0, 0.5, 0.1)}, "shares"),
        ({"joint_rate": 0.0}, "joint_rate"),
        ({"feature_weight": -1.0}, "feature_weight"),
    ],
)
def test_refuses_configurations_that_make_no_sense(change, message):
    with pytest.raises(ZooError, match=message):
        NoGANConfig(**change)
