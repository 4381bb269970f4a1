"""What the benchmark's tests share: the smallest possible run and its photos."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from zoo.errors import TrainingInterrupted

ROOT = Path(__file__).resolve().parents[2]

CONDITIONS = ["--preset", "tiny", "--budget", "16", "--size", "32", "--test-size", "32"]
CONDITIONS += ["--precision", "float32"]
TINY = [*CONDITIONS, "--models", "gray,mean_color,mse_regression:tiny"]

#: A photo's name that means something to HTML and to Matplotlib.
MALICIOUS = "$x_<img src=x onerror=alert(1)>.png"


def make_photos(folder, names, seed):
    folder.mkdir(parents=True)
    generator = np.random.default_rng(seed)
    for name in names:
        patches = generator.integers(0, 256, (4, 5, 3), dtype=np.uint8)
        Image.fromarray(patches).resize((60, 48), Image.Resampling.BICUBIC).save(folder / name)


def stored(out):
    """The results in a benchmark's folder, by key."""
    paths = sorted((out / "results").glob("*.json"))
    return {path.stem: json.loads(path.read_text()) for path in paths}


def run_here(function, tasks, prepare):
    """What `executors.run_local` does, without processes."""
    for number, task in enumerate(tasks):
        try:
            function(task)
        except TrainingInterrupted:
            raise KeyboardInterrupt from None
        yield number, None
