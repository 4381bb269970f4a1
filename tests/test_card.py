"""Cards are read and written in one place, of every format, and lose nothing on the way."""

import dataclasses
import json

import pytest

from zoo.card import CARD, Card, Chosen, Scores, read_card, write_card
from zoo.errors import ZooError
from zoo.registry import list_pretrained, shipped_folder


@pytest.mark.parametrize("name", list_pretrained())
def test_shipped_cards_survive_being_written_anew(name, tmp_path):
    folder = shipped_folder(name)
    card = read_card(folder)
    write_card(tmp_path, card)
    assert read_card(tmp_path) == card
    stored = json.loads((folder / CARD).read_text())
    about, environment = stored["about"], stored["environment"]
    first = "format" not in stored
    assert card.about.stored == about["what is stored" if first else "stored"]
    assert card.training.curves == stored["training"]["curves"]
    assert card.environment.scikit_image == environment["scikit-image" if first else "scikit_image"]
    assert card.packing.megabytes == stored["packing"]["megabytes"]
    assert bool(card.temperature) == ("temperature" in stored)
    for photos, scored in stored["test_scores"].items():
        written = dataclasses.asdict(card.test_scores[photos])
        assert written == {"protocol": None} | scored


def test_parts_of_former_versions_find_their_place(tmp_path):
    former = {
        "weights_sha256": "abc",
        "training": {
            "photos": 3,
            "sizes": [32, 64],
            "frozen_layers": 2,
            "details": {"stints": [{"name": "joint", "photos_seen": 8}]},
        },
        "about": {},
        "checkpoint": {"name": "003", "photos_seen": 5, "score": 0.5, "val_auc": 0.9},
        "scores": {"protocol": 2, "test_fingerprint": "f", "test_size": 64, "summary": {}},
        "from a later version": 1,
    }
    (tmp_path / CARD).write_text(json.dumps(former))
    card = read_card(tmp_path)
    assert card.training.sizes == (32, 64)
    assert card.training.freeze == ("the first 2 layers",)
    assert card.training.details["stages"][0]["name"] == "joint"
    assert card.about is None
    assert card.checkpoint.scores == {"val_auc": 0.9}
    assert card.test_scores == {"test photos": Scores(None, "f", 64, {}, protocol=2)}


@pytest.mark.parametrize(
    "content", ["[1]", "5", '{"training": 5}', '{"packing": {}}', '{"model": 3}']
)
def test_damaged_cards_are_told_in_a_sentence(tmp_path, content):
    (tmp_path / CARD).write_text(content)
    with pytest.raises(ZooError, match=r"damaged card\.json"):
        read_card(tmp_path)


def test_what_nobody_knows_is_not_written(tmp_path):
    write_card(tmp_path, Card(model="gray"))
    assert json.loads((tmp_path / CARD).read_text()) == {"format": 3, "model": "gray"}


def test_studies_of_former_cards_are_studies_of_temperatures(tmp_path):
    figure = {"mean": 0.9, "low": 0.8, "high": 1.0}
    study = {
        "model": "zhang:tiny",
        "photos": 4,
        "fingerprint": "f",
        "size": None,
        "temperatures": [0.0, 1.0],
        "figures": {"auc": [figure, figure]},
        "gray": {"auc": 0.8},
        "true_colorfulness": 30.0,
    }
    cards = [
        {"format": 2, "temperature": {"chosen": 1.0, "study": study}},
        {"temperature": {"chosen": 1.0} | study},
    ]
    for card in cards:
        (tmp_path / CARD).write_text(json.dumps(card))
        chosen = read_card(tmp_path).temperature
        assert chosen.chosen == 1.0
        assert (chosen.study.option, chosen.study.values) == ("temperature", (0.0, 1.0))
        assert chosen.study.gains == {}
    former = {"format": 2, "saturation": {"chosen": 1.15, "colorfulness_share": 0.82}}
    (tmp_path / CARD).write_text(json.dumps(former))
    assert read_card(tmp_path).saturation == Chosen(1.15, None)
