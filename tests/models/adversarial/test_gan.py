"""The adversarial pair: networks, losses, and that each net learns from its own loss alone."""

from dataclasses import replace
from itertools import pairwise

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from predictions import ab_of
from zoo import Budget, PhotoSet
from zoo.errors import ZooError
from zoo.models.adversarial.gan import GANConfig
from zoo.models.adversarial.losses import ADVERSARIAL_LOSSES
from zoo.models.adversarial.stages import settled, warning
from zoo.models.adversarial.tasks import CriticTask
from zoo.networks.pix2pix import patch_discriminator, receptive_field
from zoo.photos.loader import PhotoLoader

pytestmark = pytest.mark.usefixtures("eager")
rng = np.random.default_rng
FIT = {"size": 32, "precision": "float32"}


@pytest.fixture
def photos(photo_folder):
    return PhotoSet.from_folder(photo_folder)


def tiny(**config):
    return zoo.create_model("gan:tiny", **config)


def as_numpy(tensor):
    return np.array(ops.convert_to_numpy(tensor))


def values(variables):
    return [as_numpy(variable) for variable in variables]


def batch(photos, count=4):
    return np.stack([photo.read(32)[:32, :32] for photo in photos[:count]])


def compiled(model, optimizer=None):
    graph = model.task()
    graph.compile(optimizer=optimizer or model.optimizer(100), jit_compile=False)
    graph.optimizer.build(graph.trainable_variables)
    return graph


# ---------------------------------------------------------------------- networks


def test_golden_parameter_counts():
    """The generator of the authors' code has 54,413,955 with three channels in and out.

    With one in and two out it lacks 2 x 64 kernels of 4 x 4 in the first layer, and 128 of them and
    a bias in the last. The discriminator's are added up by hand.
    """
    paper = zoo.create_model("gan:paper").networks
    count = {
        name: sum(int(np.prod(v.shape)) for v in net.trainable_variables)
        for name, net in paper.items()
    }
    assert count["colorizer"] == 54_413_955 - 2 * 64 * 16 - (128 * 16 + 1)
    convolutions = 16 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 512) + 64 + 1
    assert count["discriminator"] == convolutions + 2 * (128 + 256 + 512)
    # The authors' 70 px discriminator has 2,768,705 with six channels in.
    assert count["discriminator"] == 2_768_705 - 3 * 64 * 16


def test_the_papers_generator_names_its_stride():
    assert zoo.create_model("gan:paper", width=1).stride == 256


def initial(model, *parts):
    """The initial values of all weights of these names, of both nets, by their paths."""
    return {
        path: value for path, value in model.weight_values().items() if path.endswith(tuple(parts))
    }


def test_the_paper_starts_from_normal_weights():
    """Section 6.2: N(0, 0.02); the authors' code has N(1, 0.02) for batch normalization, biases 0.

    The bounds are five standard errors of a normal distribution's mean, deviation and kurtosis.
    """
    model = zoo.create_model("gan:paper", width=16, depth=6, patch_width=16)
    kernels, factors = initial(model, "/kernel"), initial(model, "/gamma")
    assert len(kernels) == 6 + 6 + 4 + 1
    assert len(factors) == 4 + 5 + 3
    pooled = {0: np.concatenate([k.ravel() for k in kernels.values()])}
    pooled[1] = np.concatenate(list(factors.values()))
    for mean, values in [(0, kernel.ravel()) for kernel in kernels.values()] + [*pooled.items()]:
        count, off = len(values), (values - mean) / 0.02
        assert abs(off.mean()) < 5 / np.sqrt(count)
        assert abs(off.std() - 1) < 5 / np.sqrt(2 * count)
    # A normal distribution that is cut off at two deviations, as Keras' own, has 2.4.
    kurtosis = (pooled[0] ** 4).mean() / (pooled[0] ** 2).mean() ** 2
    assert abs(kurtosis - 3) < 5 * np.sqrt(24 / len(pooled[0]))
    for zeros in initial(model, "/bias", "/beta").values():
        assert not zeros.any()
    other = zoo.create_model("gan:paper", width=16, depth=6, patch_width=16, seed=1)
    assert (initial(other, "/gamma")[next(iter(factors))] != factors[next(iter(factors))]).any()


def test_the_nets_start_as_he_et_al_say():
    """Deviations of sqrt(2 / inputs), as Keras counts them, of a head less; factors of 1."""
    model = zoo.create_model("gan:scratch", width=16, depth=3)
    for path, kernel in initial(model, "/kernel").items():
        inputs = kernel.shape[0] * kernel.shape[1] * kernel.shape[-2]
        expected = np.sqrt((0.01 if "/head/" in path else 2) / inputs)
        assert kernel.std() == pytest.approx(expected, rel=5 / np.sqrt(2 * kernel.size)), path
    assert all((factors == 1).all() for factors in initial(model, "/gamma").values())


@pytest.mark.parametrize(("patch_layers", "side"), [(1, 16), (2, 34), (3, 70), (4, 142)])
def test_an_answer_is_about_a_patch_of_the_stated_side(patch_layers, side):
    """The pixels that one answer's gradient reaches are a square of that side."""
    import tensorflow as tf

    assert receptive_field(patch_layers) == side
    network = patch_discriminator(patch_layers, 2, seed=0, normalized=False)
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D):
            # With positive weights no change cancels out.
            layer.kernel.assign(np.abs(as_numpy(layer.kernel)) + 0.1)
    lightness, ab = (tf.zeros((1, 320, 320, channels)) for channels in (1, 2))
    with tf.GradientTape() as tape:
        tape.watch(lightness)
        answers = network({"lightness": lightness, "ab": ab})
        answer = answers[0, answers.shape[1] // 2, answers.shape[2] // 2, 0]
    reached = as_numpy(tape.gradient(answer, lightness))[0, ..., 0] != 0
    assert reached.any(axis=0).sum() == reached.any(axis=1).sum() == side
    assert reached.sum() == side**2


# ---------------------------------------------------------------------- losses and steps


def test_losses_by_hand():
    logits = np.array([0.0, 2.0, -3.0], "float32")
    share = 1 / (1 + np.exp(-logits.astype("float64")))
    loss = ADVERSARIAL_LOSSES["bce"](0.9)
    smoothed = -(0.9 * np.log(share) + 0.1 * np.log(1 - share)).mean()
    assert float(loss.real(logits)) == pytest.approx(smoothed, rel=1e-5)
    assert float(loss.fake(logits)) == pytest.approx(-np.log(1 - share).mean(), rel=1e-5)
    assert float(loss.generator(logits)) == pytest.approx(-np.log(share).mean(), rel=1e-5)
    known = np.minimum(share / 0.9, 1)
    np.testing.assert_allclose(as_numpy(loss.probability(logits)), known, rtol=1e-5)
    loss = ADVERSARIAL_LOSSES["least_squares"](0.9)
    assert float(loss.real(logits)) == pytest.approx((0.81 + 1.21 + 15.21) / 3, rel=1e-5)
    assert float(loss.fake(logits)) == pytest.approx(13 / 3, rel=1e-5)
    assert float(loss.generator(logits)) == pytest.approx((1 + 1 + 16) / 3, rel=1e-5)
    np.testing.assert_allclose(as_numpy(loss.probability(logits)), [0, 1, 0])
    loss = ADVERSARIAL_LOSSES["hinge"](1.0)
    assert float(loss.real(logits)) == pytest.approx((1 + 0 + 4) / 3, rel=1e-5)
    assert float(loss.fake(logits)) == pytest.approx((1 + 3 + 0) / 3, rel=1e-5)
    assert float(loss.generator(logits)) == pytest.approx(1 / 3, rel=1e-5)
    np.testing.assert_allclose(as_numpy(loss.probability(logits)), [0.5, 1, 0])
    for kind in ADVERSARIAL_LOSSES.values():
        assert kind(0.9).penalty(None, logits, logits) == 0


#: Answers that a discriminator may give, the fitting ones of each loss among them.
ANSWERS = np.linspace(-6, 6, 4801, dtype="float32")


def costs(loss, share):
    """The discriminator's loss at each of ANSWERS, of colors of which this share are true."""
    real, fake = (as_numpy(ops.vectorized_map(one, ANSWERS)) for one in (loss.real, loss.fake))
    return share * real + (1 - share) * fake


@pytest.mark.parametrize("label", [0.9, 1.0])
@pytest.mark.parametrize("name", ADVERSARIAL_LOSSES)
def test_the_best_discriminator_is_right_about_what_it_knows(name, label):
    """Sure of what is always true or always made, undecided where both are as frequent."""
    loss = ADVERSARIAL_LOSSES[name](label)
    for share in (0.0, 0.5, 1.0):
        cost = costs(loss, share)
        best = ANSWERS[cost <= cost.min() + 1e-6]
        # The hinge likes any answer beyond a margin, and any between if undecided.
        answer = {0.0: best.max(), 0.5: best.mean(), 1.0: best.min()}[share]
        assert float(loss.probability(answer)) == pytest.approx(share, abs=0.004)


def test_a_perfect_least_squares_critic_is_known_as_one(photos):
    """It answers with its labels, of which a sigmoid would make 0.71 and 0.5."""
    model = tiny(adversarial="least_squares")
    task = CriticTask(model)
    rgb = np.stack([photo.read(32)[:32, :32] for photo in photos[:2]])
    made = np.zeros((2, 16, 16, 2), "float32")
    answers = np.stack([np.full((2, 8, 8), 0.9), np.zeros((2, 8, 8))], axis=-1)
    loss = task.step_loss({"rgb": rgb, "made": made}, answers.astype("float32"), training=False)
    logged = {metric.name: float(metric.result()) for metric in task.metrics}
    assert float(loss) == 0
    assert logged["d_real"] == pytest.approx(1, abs=1e-6)
    assert (logged["d_fake"], logged["accuracy"]) == (0, 1)
    curves = {"colorfulness": [30.0], "truth": [40.0]}
    curves |= {name: [logged[name]] for name in ("d_real", "d_fake")}
    assert warning(curves).startswith("The discriminator wins")
    assert settled({"accuracy": [0.5, *[logged["accuracy"]] * 4]}) is not None


@pytest.mark.parametrize("adversarial", ["bce", "least_squares", "hinge"])
def test_each_net_has_the_gradient_of_its_own_loss(photos, adversarial):
    """One plain gradient step of both at once, against two taped by hand."""
    import tensorflow as tf

    model = tiny(adversarial=adversarial, dropout=0.0)
    generator, judge = model.networks["colorizer"], model.networks["discriminator"]
    rgb = batch(photos)
    loss_of = ADVERSARIAL_LOSSES[adversarial](0.9)
    before = model.variables()
    start = {name: as_numpy(variable) for name, variable in before.items()}
    with tf.GradientTape(persistent=True) as tape:
        output = generator(model.network_input({"rgb": rgb}), training=True)
        lightness, truth = model.judged(rgb, output)
        seen = {"lightness": lightness}
        fake_for_judge = judge(seen | {"ab": tf.stop_gradient(output)}, training=True)
        d_loss = 0.5 * (
            loss_of.real(judge(seen | {"ab": truth}, training=True)) + loss_of.fake(fake_for_judge)
        )
        g_loss = loss_of.generator(judge(seen | {"ab": output}, training=True))
        g_loss = g_loss + model.config.l1_weight * tf.reduce_mean(tf.abs(output - truth))
    expected = {}
    for loss, network in ((g_loss, generator), (d_loss, judge)):
        variables = network.trainable_variables
        for variable, gradient in zip(
            variables, tape.gradient(loss, [v.value for v in variables]), strict=True
        ):
            expected[id(variable)] = as_numpy(gradient)
    for name, variable in before.items():
        variable.assign(start[name])

    graph = compiled(model, keras.optimizers.SGD(1.0))
    graph.train_on_batch({"rgb": rgb})
    for network in (generator, judge):
        for variable in network.trainable_variables:
            name = next(name for name, v in before.items() if v is variable)
            moved = start[name] - as_numpy(variable)
            scale = np.abs(expected[id(variable)]).max() + 1e-3
            np.testing.assert_allclose(
                moved / scale, expected[id(variable)] / scale, atol=2e-2, err_msg=name
            )


@pytest.mark.parametrize(
    ("phase", "still"), [("discriminator", "colorizer"), ("generator", "discriminator")]
)
def test_a_net_out_of_phase_stays_and_the_other_moves(photos, phase, still):
    model = tiny()
    model.phases = ((phase,),)
    graph = compiled(model)
    trained = {name: values(net.trainable_variables) for name, net in model.networks.items()}
    moments = values(graph.optimizer._momentums)
    graph.train_on_batch({"rgb": batch(photos)})
    for name, network in model.networks.items():
        moved = [
            (as_numpy(v) != old).any()
            for v, old in zip(network.trainable_variables, trained[name], strict=True)
        ]
        assert all(moved) if name != still else not any(moved)
    touched = [
        (new != old).any()
        for new, old in zip(values(graph.optimizer._momentums), moments, strict=True)
    ]
    still_ids = {id(v) for v in model.networks[still].trainable_variables}
    assert touched == [id(v) not in still_ids for v in graph.trainable_variables]


def test_a_training_in_phases_steps_each_net_as_often_as_they_say(photos):
    """Within one `fit`: after 2 of 3 steps the generator is as it was, after 3 it is not."""

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, step, logs=None):
            seen.append({name: values(net.trainable_variables) for name, net in nets.items()})

    model, seen = tiny(), []
    model.phases = (("discriminator",), ("discriminator",), ("generator",))
    nets = model.networks
    model.fit(photos, budget=Budget(photos_seen=24), callbacks=[Watch()], **FIT)
    for name, expected in (
        ("colorizer", [False, True, False, False, True]),
        ("discriminator", [True, False, True, True, False]),
    ):
        moved = [
            any((new != old).any() for new, old in zip(after[name], before[name], strict=True))
            for before, after in pairwise(seen)
        ]
        assert moved == expected


@pytest.mark.core
def test_the_generators_term_leaves_the_judges_statistics_alone(photos):
    """They move twice a step, by true colors and by made ones, as two calls by hand move them."""
    model, other = (tiny(dropout=0.0, patch_norm="batch") for _ in range(2))
    rgb = batch(photos)
    compiled(model, keras.optimizers.SGD(0.0)).train_on_batch({"rgb": rgb})
    output = other.networks["colorizer"](other.network_input({"rgb": rgb}), training=True)
    lightness, truth = other.judged(rgb, output)
    judge = other.networks["discriminator"]
    for ab in (truth, output):
        judge({"lightness": lightness, "ab": ab}, training=True)
    for found, expected in zip(
        model.networks["discriminator"].non_trainable_variables,
        judge.non_trainable_variables,
        strict=True,
    ):
        np.testing.assert_allclose(as_numpy(found), as_numpy(expected), atol=1e-5)


def test_what_both_nets_do_is_logged(photos):
    model = tiny()
    history = model.fit(photos, photos, budget=Budget(photos_seen=16), **FIT)
    for name in ("d_real", "d_fake"):
        assert all(0 < share < 1 for share in history.curves[name])
    for name in ("d_loss", "g_loss", "l1", "val_l1"):
        assert np.isfinite(history.curves[name]).all()


def test_logged_scores_are_those_of_the_metrics(photos):
    """But for rounding to 8 bits and AuC's thresholds."""
    from skimage.color import lab2rgb, rgb2lab

    from zoo.metrics import scores
    from zoo.metrics.pair import Pair
    from zoo.models.adversarial.tasks import color_scores

    rgb = batch(photos)
    lab = rgb2lab(rgb)
    made = lab[..., 1:] * 0.6 + 3
    scaled = (lab[..., :1] / 50 - 1, lab[..., 1:] / 110, made / 110)
    of_photos = color_scores(*(part.astype("float32") for part in scaled))
    assert list(of_photos) == ["auc", "colorfulness", "truth"]
    found = [float(np.mean(as_numpy(values))) for values in of_photos.values()]
    colored = np.round(255 * lab2rgb(np.concatenate([lab[..., :1], made], axis=-1)))
    pairs = [Pair(truth, photo) for truth, photo in zip(rgb, colored.astype(np.uint8), strict=True)]
    assert found[0] == pytest.approx(np.mean([scores.auc(pair) for pair in pairs]), abs=5e-3)
    for value, truths in zip(found[1:], (False, True), strict=True):
        expected = np.mean(
            [
                scores.colorfulness(pair) - truths * scores.colorfulness_difference(pair)
                for pair in pairs
            ]
        )
        assert value == pytest.approx(expected, rel=2e-2)


def test_colors_choose_the_best_weights(photos):
    model = tiny()
    muted = {"val_auc": 0.92, "val_colorfulness": 10.0, "val_truth": 40.0}
    vivid = {"val_auc": 0.91, "val_colorfulness": 36.0, "val_truth": 40.0}
    stains = {"val_auc": 0.80, "val_colorfulness": 40.0, "val_truth": 40.0}
    assert model.round_score(vivid) < model.round_score(muted) < model.round_score(stains)
    assert model.round_score({"loss": 1.0}) is None
    history = model.fit(photos, photos, budget=Budget(photos_seen=16), **FIT)
    curves = history.curves
    scored = [
        model.round_score({name: values[i] for name, values in curves.items()})
        for i in range(len(curves["loss"]))
    ]
    assert history.details["best_round"] == int(np.argmin(scored))


def test_a_winning_discriminator_and_gray_colors_get_a_warning():
    fine = {
        "d_real": [0.6, 0.99, 0.6],
        "d_fake": [0.3, 0.01, 0.4],
        "colorfulness": [2.0, 3.0, 30.0],
        "truth": [40.0, 40.0, 40.0],
    }
    assert warning(fine) is None
    wins = warning(fine | {"d_real": [0.6, 0.99], "d_fake": [0.3, 0.01]})
    assert wins.startswith("The discriminator wins")
    assert "discriminator_rate" in wins
    assert warning(fine | {"d_real": [0.985], "d_fake": [0.03]}) is None
    gray = warning(fine | {"colorfulness": [7.0, 5.0, 4.0]})
    assert gray.startswith("The colors are nearly gray")
    assert "10%" in gray
    assert warning(fine | {"colorfulness": [5.0, 4.0], "truth": [40.0, 40.0]}) is None


# ---------------------------------------------------------------------- predicted


def test_noise_gives_variants_and_leaves_nothing_behind(photos):
    model = tiny()
    model.fit(photos, budget=Budget(photos_seen=8), **FIT)
    lightness = rng(0).uniform(0, 100, (1, 24, 40, 1)).astype("float32")
    plain = ab_of(model, lightness)
    one, again, two = (ab_of(model, lightness, noise=noise) for noise in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != two).any()
    assert (one != plain).any()
    np.testing.assert_array_equal(ab_of(model, lightness), plain)


@pytest.mark.parametrize("noise", [0, 1])
def test_the_saturation_is_a_factor_of_the_chroma(noise):
    model = tiny()
    lightness = rng(0).uniform(0, 100, (1, 24, 40, 1)).astype("float32")
    plain = ab_of(model, lightness, noise=noise)
    assert (plain != 0).any()
    half = ab_of(model, lightness, noise=noise, saturation=0.5)
    np.testing.assert_allclose(half, plain / 2, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(ab_of(model, lightness, noise=noise, saturation=0), 0 * plain)


def test_realness_is_a_map_of_the_photo_and_its_mean(photos):
    model = tiny()
    model.fit(photos, budget=Budget(photos_seen=8), **FIT)
    photo = photos[0].read()
    real, mean = model.realness(photo)
    assert real.shape == photo.shape[:2]
    assert ((real > 0) & (real < 1)).all()
    assert mean == pytest.approx(real.mean())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"adversarial": "wgan"}, "adversarial"),
        ({"patch_layers": 5}, "patch_layers"),
        ({"real_label": 0.4}, "real_label"),
        ({"dropout": 1.0}, "dropout"),
        ({"discriminator_rate": 0.0}, "discriminator_rate"),
        ({"architecture": "resnet"}, "architecture"),
        ({"patch_norm": "group"}, "patch_norm"),
    ],
)
def test_refuses_configurations_that_make_no_sense(change, message):
    with pytest.raises(ZooError, match=message):
        GANConfig(**change)


# ---------------------------------------------------------------------- the report's recipe


def seen_in_steps(monkeypatch):
    """The positions of the photos of each training step, by its number, once a fit has run."""
    seen, samples = {}, PhotoLoader.samples

    def noted(loader, step):
        found = samples(loader, step)
        if loader.augment:
            seen[step] = found.positions
        return found

    monkeypatch.setattr(PhotoLoader, "samples", noted)
    return seen


@pytest.mark.parametrize("name", ["gan", "nogan"])
def test_on_an_encoder_patches_are_inside_the_photo_and_made_colors_have_no_grain(name):
    model = zoo.create_model(name, "compact")
    side = model.config.train_size // model.output_stride
    assert side / 4 <= receptive_field(model.config.patch_layers) <= side / 2
    layers = model.networks["colorizer"].layers
    assert not [layer for layer in layers if isinstance(layer, keras.layers.Dropout)]


def test_the_report_s_recipe():
    """Patches of 34 px, targets of 0.9 for true colors alone, two rates; else pix2pix."""
    report, paper = (
        zoo.create_model(f"gan:{name}", width=1).config for name in ("report", "paper")
    )
    assert receptive_field(report.patch_layers) == 34
    assert receptive_field(paper.patch_layers) == 70
    assert (report.real_label, paper.real_label) == (0.9, 1.0)
    assert report.learning_rate == paper.learning_rate == paper.discriminator_rate == 2e-4
    assert report.discriminator_rate != report.learning_rate
    changed = {"patch_layers": 3, "real_label": 1.0, "discriminator_rate": 2e-4}
    assert replace(report, **changed) == paper


def test_its_rates_are_those_of_the_two_nets(photos):
    model = zoo.create_model("gan:report", width=2, depth=2, patch_width=2, dropout=0.0)
    nets = [model.networks[name] for name in ("colorizer", "discriminator")]
    before = [values(net.trainable_variables) for net in nets]
    compiled(model).train_on_batch({"rgb": batch(photos)})
    for net, old, rate in zip(nets, before, (2e-4, 1e-4), strict=True):
        moved = [
            abs(as_numpy(v) - o).max() for v, o in zip(net.trainable_variables, old, strict=True)
        ]
        # The first step of Adam is as long as its rate, whatever the gradient.
        assert max(moved) == pytest.approx(rate, rel=0.02)


def test_an_epoch_is_a_round_over_all_photos_with_a_model_kept(photos, tmp_path, monkeypatch):
    seen = seen_in_steps(monkeypatch)
    small = {"width": 2, "depth": 2, "patch_width": 2, "batch_size": 2}
    model = zoo.create_model("gan:report", **small)
    history = model.fit(photos, photos, budget=Budget(epochs=5), run_dir=tmp_path, **FIT)
    assert history.curves["photos_seen"] == [6.0, 12.0, 18.0, 24.0, 30.0]
    kept = [f"{number:03d}" for number in range(1, 6)]
    assert (
        sorted(path.name for path in (tmp_path / "checkpoints").iterdir() if path.is_dir()) == kept
    )
    heads = [
        zoo.load_model(tmp_path / "checkpoints" / name).weight_values()["colorizer/head/kernel"]
        for name in kept
    ]
    assert all((one != other).any() for one, other in pairwise(heads))
    assert sorted(seen) == list(range(15))
    orders = [np.concatenate([seen[3 * epoch + step] for step in range(3)]) for epoch in range(5)]
    assert all(sorted(order) == list(range(6)) for order in orders)
    assert len({tuple(order) for order in orders}) == 5


def test_epochs_that_batches_do_not_divide_are_rounds_too(photos, tmp_path):
    history = zoo.create_model("gan:tiny").fit(photos, budget=Budget(epochs=5), **FIT)
    assert len(history.curves["photos_seen"]) == 5  # of 6 photos in batches of 4


def test_each_size_needs_an_epoch(photos):
    with pytest.raises(ZooError, match=r"Each of 2 training sizes needs an epoch .* of 1\."):
        tiny().fit(photos, budget=Budget(epochs=1), size=(16, 32), precision="float32")


def test_a_training_in_epochs_is_resumed_as_one(photos, tmp_path):
    """As many photos in about ten rounds are another training."""

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    settings = {**FIT, "run_dir": tmp_path, "resume": True}
    with pytest.raises(KeyboardInterrupt):
        tiny(batch_size=2).fit(photos, budget=Budget(epochs=4), callbacks=[Stop()], **settings)
    with pytest.raises(ZooError, match="rounds"):
        tiny(batch_size=2).fit(photos, budget=Budget(photos_seen=24), **settings)
    history = tiny(batch_size=2).fit(photos, budget=Budget(epochs=4), **settings)
    assert len(history.curves["photos_seen"]) == 4
