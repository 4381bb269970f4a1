"""Painted overlays: opaque pixels count, rims do not."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from zoo.errors import ZooError
from zoo.hints.marks import Hints
from zoo.hints.overlay import read_overlay
from zoo.hints.placing import placed

RED, BLUE = (200, 30, 40), (20, 60, 210)


def saved(path, rgba):
    Image.fromarray(rgba).save(path)
    return path


def painted(height=40, width=60):
    return np.zeros((height, width, 4), np.uint8)


def mask(hints, height, width):
    y, x = np.mgrid[:height, :width].astype(float)
    return np.any([area.holds(x, y) for area in hints.areas], axis=0)


def test_strokes_and_their_colors(tmp_path):
    overlay = painted()
    overlay[5:9, 10:30] = (*RED, 255)
    overlay[20:22, 3] = (*BLUE, 255)  # a pencil's thin line
    hints = read_overlay(saved(tmp_path / "overlay.png", overlay))
    assert hints.size == (60, 40)
    assert [area.color for area in hints.areas] == ["#c81e28", "#143cd2"]
    np.testing.assert_array_equal(mask(hints, 40, 60), overlay[..., 3] == 255)
    assert Hints.from_json(hints.to_json()) == hints
    ab, marked = placed(hints, (40, 60), (40, 60))
    np.testing.assert_array_equal(marked, overlay[..., 3] == 255)
    assert len(np.unique(ab[marked], axis=0)) == 2


def drawn_softly(layers, height=120, width=160):
    """Strokes as paint programs draw them: large, then smaller, so that their rims are mixtures."""
    picture = Image.new("RGBA", (width, height))
    for color, places in layers:
        layer = Image.new("L", (8 * width, 8 * height))
        scaled = [(8 * x, 8 * y) for x, y in places]
        ImageDraw.Draw(layer).line(scaled, 255, 8 * 9)
        alpha = layer.resize((width, height), Image.Resampling.BOX)
        picture.alpha_composite(
            Image.merge("RGBA", [*Image.new("RGB", picture.size, color).split(), alpha])
        )
    return np.array(picture)


def test_rims_over_nothing_and_over_another_stroke_are_left_out(tmp_path):
    layers = [(RED, [(20, 20), (140, 90)]), (BLUE, [(30, 100), (120, 15)])]
    overlay = drawn_softly(layers)
    opaque = overlay[overlay[..., 3] == 255][:, :3]
    assert len(np.unique(opaque, axis=0)) > 10  # mixtures where one crosses the other
    hints = read_overlay(saved(tmp_path / "overlay.png", overlay))
    assert {area.color for area in hints.areas} == {"#c81e28", "#143cd2"}
    kept = mask(hints, 120, 160)
    assert not kept[overlay[..., 3] < 255].any()
    pure = (overlay[..., 3] == 255) & ((overlay[..., :3] == RED) | (overlay[..., :3] == BLUE)).all(
        -1
    )
    np.testing.assert_array_equal(kept, pure)
    # Nor do they bleed in at a smaller size.
    ab, marked = placed(hints, (30, 40), (120, 160))
    assert len(np.unique(ab[marked], axis=0)) == 2


@pytest.mark.parametrize("value", [0, 128, 254])
def test_nothing_opaque_is_nothing_painted(tmp_path, value):
    overlay = painted()
    overlay[5:9, 10:30] = (*RED, value)
    with pytest.raises(ZooError, match=r"Nothing is painted on .*overlay\.png; paint opaque"):
        read_overlay(saved(tmp_path / "overlay.png", overlay))


def test_a_picture_without_transparency(tmp_path):
    with pytest.raises(ZooError, match="has no transparency; paint on a transparent layer"):
        read_overlay(saved(tmp_path / "overlay.png", painted()[..., :3]))
