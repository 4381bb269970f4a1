"""The registry, budgets and errors that list what there is."""

import dataclasses
import subprocess
import sys

import pytest

import zoo
from zoo import Budget, registry
from zoo.errors import ZooError, valid_choice


def test_listing_imports_no_framework():
    code = (
        "import sys, zoo; zoo.list_models(); zoo.Budget; zoo.PhotoSet; zoo.sample_photos;"
        "print([m for m in ('keras', 'tensorflow', 'jax', 'torch', 'skimage') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there():
    for name in zoo.__all__:
        assert getattr(zoo, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'colorise'"):
        _ = zoo.colorise


def test_unknown_names_answer_with_the_valid_ones():
    with pytest.raises(ZooError, match=rf"no model 'mse'.*{', '.join(zoo.list_models())}"):
        zoo.create_model("mse")
    with pytest.raises(ZooError, match="did you mean 'mse_regression'"):
        zoo.create_model("mse_regresion")
    with pytest.raises(ZooError, match="compact, paper, scratch, tiny"):
        zoo.create_model("mse_regression:small")
    with pytest.raises(ZooError, match="choose from: none"):
        valid_choice("thing", "x", ())


def test_presets_by_colon_and_by_default():
    assert zoo.create_model("mse_regression:tiny").preset == "tiny"
    assert zoo.create_model("gray").preset == "default"
    assert registry.entry("gray").preset_or_only("compact") == "default"
    assert registry.entry("mse_regression").preset_or_only(None) == "compact"
    assert zoo.list_models("m*") == ["mean_color", "mse_regression"]


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("20000", Budget(photos_seen=20_000)),
        ("20_000 photos", Budget(photos_seen=20_000)),
        ("20,000", Budget(photos_seen=20_000)),
        ("90s", Budget(minutes=1.5)),
        ("15min", Budget(minutes=15)),
        ("0.5h", Budget(minutes=30)),
        ("20 epochs", Budget(epochs=20)),
        ("1epoch", Budget(epochs=1)),
    ],
)
def test_budgets_as_people_write_them(text, budget):
    assert Budget.parse(text) == budget
    assert Budget.parse(str(budget)) == budget


@pytest.mark.parametrize(
    "text", ["", "0", "-5", "much", "5 days", "0min", "0.5 epochs", "1e400", "9" * 400, "9" * 14]
)
def test_impossible_budgets(text):
    with pytest.raises(ZooError, match=r"[Bb]udget"):
        Budget.parse(text)
    for wrong in ({}, {"photos_seen": 5, "minutes": 1}, {"minutes": float("nan")}, {"epochs": 0}):
        with pytest.raises(ZooError):
            Budget(**wrong)


#: Presets that do what their paper says, as far as anybody knows.
EXACT: set[str] = set()


@pytest.mark.parametrize("name", zoo.list_models())
def test_presets_of_papers_state_their_departures(name):
    presets = registry.entry(name).load().PRESETS
    assert presets.get("paper") is None or presets["paper"].follows_a_source
    for preset, known in presets.items():
        assert known.follows_a_source or not known.departures
        assert (f"{name}:{preset}" in EXACT or known.departures) or not known.follows_a_source
        for one in known.departures:
            words = dataclasses.astuple(one)
            assert len(set(words)) == 3
            assert all(word == word.strip(" .") and len(word) > 3 for word in (words[0], words[2]))
            assert words[1]
        assert len(set(known.departures)) == len(known.departures)


def test_what_departures_say_of_configurations_is_so():
    """The figures among the words, against the presets."""

    def config(name):
        model, _, preset = name.partition(":")
        return registry.entry(model).load().PRESETS[preset].config

    def here(name, start):
        model, _, preset = name.partition(":")
        departures = registry.entry(model).load().PRESETS[preset].departures
        (found,) = [one.here for one in departures if one.paper.startswith(start)]
        return found

    report = config("gan:report")
    assert here("gan:report", "two unequal rates") == "generator 2e-4, discriminator 1e-4"
    assert (report.learning_rate, report.discriminator_rate) == (2e-4, 1e-4)
    assert f"counts {report.l1_weight:g} times" in here("gan:report", "the generator's two losses")
    for name, start in (
        ("gan:paper", "photos of 256 px"),
        ("zhang:paper", "crops of"),
        ("mse_regression:paper", "crops of"),
        ("fusion:paper", "whole photos"),
    ):
        assert f"1 to 1.25 times {config(name).train_size} px" in here(name, start)
    colorunet = config("colorunet:paper")
    squares = f"{colorunet.batch_size} squares of {colorunet.train_size} px"
    told = here("colorunet:paper", "the training is not")
    assert told == f"Adam, 1e-3 on a cosine, {squares} at a time"
    assert (colorunet.learning_rate, colorunet.schedule) == (1e-3, "cosine")
    knn, som = config("knn_patches:paper"), config("som_patches:paper")
    for name in ("knn_patches:paper", "som_patches:paper"):
        rows, columns = config(name).map_rows, config(name).map_columns
        assert here(name, "the size of the map") == f"{rows} x {columns}"
    (k,) = [one for one in registry.entry("knn_patches").load().options if one.name == "k"]
    assert here("knn_patches:paper", "k is not given") == f"{k.default}"
    assert here("knn_patches:paper", "all sampled").endswith(f"{knn.table_rows:,} at most")
    assert here("som_patches:paper", "the layers") == f"one of {som.hidden[0]} units"
    assert f"{som.samples:,}" in here("som_patches:paper", "the network learns")


def test_a_name_stands_for_one_thing_everywhere(shipped, tmp_path, monkeypatch):
    trained, baseline = registry.resolve("mse_regression"), registry.resolve("gray")
    assert (trained.folder, trained.preset) == (shipped / "mse_regression", "tiny")
    assert (baseline.entry.name, baseline.preset, baseline.folder) == ("gray", None, None)
    assert registry.resolve("zhang").folder is None  # no trained weights are shipped here
    untrained = registry.resolve("mse_regression:compact")
    assert (untrained.preset, untrained.folder) == ("compact", None)
    monkeypatch.chdir(tmp_path)
    zoo.create_model("gray").save("mse_regression")
    assert registry.resolve("mse_regression").entry.name == "gray"
    assert registry.shipped_folder("mse_regression") == shipped / "mse_regression"
    for name, told in (
        ("mse_regresion", "no folder or model 'mse_regresion' .did you mean 'mse_regression'"),
        ("mse_regression:huge", "no preset of mse_regression 'huge'"),
        (tmp_path, "is not a saved model"),
    ):
        with pytest.raises(ZooError, match=told):
            registry.resolve(name)


def test_two_presets_are_refused():
    with pytest.raises(ZooError, match=r"'zhang:tiny' names its preset, and 'compact' is another"):
        zoo.create_model("zhang:tiny", preset="compact")
    assert zoo.create_model("mse_regression:tiny", preset="tiny").preset == "tiny"


def test_a_baseline_is_loaded_by_its_name():
    assert zoo.load_model("gray").name == "gray"
