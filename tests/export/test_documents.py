"""An exported folder explains itself: README, card and sample."""

import os
import re
import shutil
import subprocess
import sys

import numpy as np
from PIL import Image

from predictions import off
from zoo.card import read_card
from zoo.files import sha256_of_file

#: Nothing that runs in a user's process may need the zoo.
WITHOUT_ZOO = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "zoo":
            raise ImportError(f"{name} is not for users of exported models")

sys.meta_path.insert(0, Refuse())
"""


def test_the_folder_explains_itself(exported, model):
    found = sorted(p.relative_to(exported).as_posix() for p in exported.rglob("*") if p.is_file())
    named = [name for name in found if not name.startswith("saved_model/1/")]
    assert named == [
        "README.md",
        "card.json",
        "model.onnx",
        "model.tflite",
        "sample.png",
        "sample_colorized.png",
    ]
    card = read_card(exported)
    assert card.model == "zhang"
    assert card.training == model.card.training
    assert card.export.options == {
        "render_factor": 2,
        "denoise": 0,
        "consensus": 0,
        "edge_radius": 0,
        "temperature": 0.38,
    }
    artifacts = card.export.artifacts
    asked = {name: artifact.check.signatures for name, artifact in artifacts.items()}
    assert asked == {
        "saved_model": {
            "serving_default": ["photos"],
            "colorize_with_options": ["photos", "temperature"],
            "colorize_encoded": ["photo_bytes"],
            "colorize_encoded_with_options": ["photo_bytes", "temperature"],
            "predict_ab": ["lightness"],
            "predict_ab_with_options": ["lightness", "temperature"],
        },
        "onnx": {"colorize": ["photos", "temperature"]},
        "litert": {
            "predict_ab": ["lightness"],
            "predict_ab_with_options": ["lightness", "temperature"],
        },
    }
    readme = (exported / "README.md").read_text("utf-8")
    named = {name for signatures in asked.values() for name in signatures}
    assert not {name for name in named if f"`{name}`" not in readme}
    assert "| `temperature` | 0.38 | an input, float32 (), from 0 to 10 |" in readme
    assert "| `render_factor` | 2 | fixed |" in readme
    for artifact in artifacts.values():
        assert artifact.check.max_difference <= 1
        for name, sha256 in artifact.sha256.items():
            assert sha256_of_file(exported / name) == sha256
    sample = np.asarray(Image.open(exported / "sample.png"))
    colored = np.asarray(Image.open(exported / "sample_colorized.png"))
    assert (sample == sample[..., :1]).all()
    np.testing.assert_array_equal(model.colorize(sample, render_factor=2), colored)


def test_the_readme_s_python_colors_the_sample_without_the_zoo(exported, tmp_path):
    readme = (exported / "README.md").read_text("utf-8")
    examples = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert len(examples) == 3
    folder = tmp_path / "elsewhere"
    shutil.copytree(exported, folder)
    steps = [WITHOUT_ZOO]
    for number, example in enumerate(examples):
        steps.append(example.replace("colorized.png", f"colorized{number}.png"))
    done = subprocess.run(
        [sys.executable, "-P", "-c", "\n".join(steps)],
        cwd=folder,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    expected = np.asarray(Image.open(folder / "sample_colorized.png")).astype(int)
    # The last one enlarges, and clips what is out of gamut, by another library.
    for number, allowed in enumerate((1, 1, 20)):
        found = Image.open(folder / f"colorized{number}.png")
        assert off(found, expected) <= allowed
        assert np.abs(np.asarray(found) - expected).mean() < 1
