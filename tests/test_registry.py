"""The registry, budgets and errors that list what there is."""

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
    with pytest.raises(ZooError, match="compact, paper, tiny"):
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
    ],
)
def test_budgets_as_people_write_them(text, budget):
    assert Budget.parse(text) == budget
    assert Budget.parse(str(budget)) == budget


@pytest.mark.parametrize(
    "text", ["", "0", "-5", "much", "5 days", "0min", "1e400", "9" * 400, "9" * 14]
)
def test_impossible_budgets(text):
    with pytest.raises(ZooError, match=r"[Bb]udget"):
        Budget.parse(text)
    for wrong in ({}, {"photos_seen": 5, "minutes": 1}, {"minutes": float("nan")}):
        with pytest.raises(ZooError):
            Budget(**wrong)
