from dataclasses import replace

import pytest
from conftest import pixels
from studies import decided_model, study_of

from zoo.errors import ZooError
from zoo.plotting.temperatures import draw_curves, draw_temperatures


def test_curves_show_every_metric_with_its_reference_and_the_choice(tmp_path):
    base = study_of((0.8692, 0.8695, 0.87), (9.0, 2.0, 4.0))
    draw_curves(tmp_path / "curves.svg", base)
    # Text is drawn as paths; its source stands in the comments.
    text = (tmp_path / "curves.svg").read_text()
    for title in (
        "AuC (higher is better)",
        "CIEDE2000 (lower is better)",
        "delta colorfulness of the mean (lower",
    ):
        assert f"<!-- {title}" in text
    assert text.count("<!-- temperature -->") == 4
    assert text.count("<!-- chosen: 0.5 -->") == 4
    assert text.count("<!-- gray photos -->") == 2
    assert text.count("<!-- true photos -->") == 1
    assert "<!-- zhang:tiny: means over 4 validation photos" in text
    assert "no claims are made" in text
    draw_curves(tmp_path / "curves.svg", replace(base, photos=30))
    assert "no claims" not in (tmp_path / "curves.svg").read_text()
    draw_curves(tmp_path / "curves.png", base)
    drawn = pixels(tmp_path / "curves.png")
    assert drawn.shape == (990, 1350, 3)
    # The truth's line is where it belongs: moving it changes the picture.
    draw_curves(tmp_path / "moved.png", replace(base, true_colorfulness=25.0))
    assert (pixels(tmp_path / "moved.png") != drawn).any()
    with pytest.raises(ZooError, match=r"\.doc"):
        draw_curves(tmp_path / "curves.doc", base)
    assert {path.name for path in tmp_path.iterdir()} == {"curves.svg", "curves.png", "moved.png"}


def test_one_photo_at_several_temperatures(photo_folder, tmp_path):
    model = decided_model()
    photo = photo_folder / "sea/0.png"
    path = tmp_path / "photos.png"
    draw_temperatures(path, photo, model, (0.0, 1.0), chosen=1.0)
    drawn = pixels(path)
    height, width = drawn.shape[:2]
    assert width == 3 * 480
    assert 300 < height < 500
    panels = [
        drawn[height // 2 - 60 : height // 2 + 60, left + 180 : left + 300]
        for left in (0, 480, 960)
    ]
    spreads = [(panel.max(-1) - panel.min(-1)).mean() for panel in panels]
    assert spreads[0] > spreads[1] + 1, "T = 0 is more vivid than T = 1"
    assert (panels[2] != panels[0]).any()
