"""What exports are asked before they are kept."""

import zoo
from zoo.export.questions import other_values


def test_other_values_differ_and_fit():
    model = zoo.create_model("knn_patches:tiny")
    for given in (
        {},
        {"k": 1, "weights": 4, "temperature": 0},
        {"k": 2, "weights": 0.1, "temperature": 10},
    ):
        values = model.resolve_options(given)
        others = other_values(model, values)
        assert set(others) == {"k", "weights", "temperature"}
        assert all(others[name] != values[name] for name in others)
        assert model.resolve_options(others) == values | others
    assert other_values(zoo.create_model("gray"), {"render_factor": 8}) == {}
