import json

import numpy as np
from PIL import Image

from zoo.evaluation.checkpoints import stored
from zoo.photos.decoding import read_rgb, write_photo
from zoo.plotting.checkpoints import animate, draw_sheet


def test_the_sheet_and_the_animation_show_all(tmp_path):
    rng = np.random.default_rng(0)
    truth, *rows = rng.integers(0, 200, (4, 32, 8 * 32, 3), dtype=np.uint8)
    folder = tmp_path / "checkpoints"
    write_photo(folder / "truth.png", truth)
    scores = {"val_auc": 0.9, "val_colorfulness": 20.0, "val_truth": 30.0}
    for number, row in enumerate(rows, 1):
        about = {"name": "", "photos_seen": 1000 * number, "score": float(number), **scores}
        write_photo(folder / f"{number:03}" / "samples.png", row)
        card = {"weights_sha256": str(number), "checkpoint": about}
        (folder / f"{number:03}" / "card.json").write_text(json.dumps(card))
    found = stored(tmp_path)
    draw_sheet(tmp_path / "sheet.png", found[::-1])
    sheet = read_rgb(tmp_path / "sheet.png")
    label = sheet.shape[0] // 4 - 32
    assert sheet.shape[0] == 4 * (label + 32)
    wide = truth.shape[1]
    for place, row in enumerate([truth, *rows[::-1]]):
        top = place * (label + 32) + label
        np.testing.assert_array_equal(sheet[top : top + 32, :wide], row)
    ink = (sheet != 255).any(axis=(0, 2)).nonzero()[0]
    assert wide < ink.max() < sheet.shape[1] - 1  # the captions are longer, and none is cut
    animate(tmp_path / "all.webp", found)
    with Image.open(tmp_path / "all.webp") as animation:
        assert animation.n_frames == 3
