"""The papers' own networks, sizes and lengths of training, for people with a GPU.

    python benchmarks/run_all.py --suite paper --photos DIR --test-photos DIR --out runs/paper

Each row trains at its paper's size and for as long as its paper did, so that the rows differ in
budget: this is no comparison under equal conditions, and the report says so. Where a paper names no
length, the row has that of the GAN report, 20 passes over 15,000 photos. `fusion` downloads the
classifier of its paper, `nogan` the VGG16 of keras.applications.

Cost: the two rows of Zhang et al. see 18 million squares each, days on one GPU; the others some
hours. The patch models learn from their photos once and need no GPU.

Expect, on ImageNet, what the papers state in percent of AuC: L2 regression 91.2, class-rebalanced
64.4; classification with rebalancing 89.5 and 67.3; gray 89.1 and 58.0. They are for orientation,
never a column beside ours: decoding, resizing and test photos differ.
"""

from typing import Any

from benchmarks.suites import Row

_ZHANG: dict[str, Any] = {"preset": "paper", "size": 176, "budget": "18_000_000"}
_REPORT: dict[str, Any] = {"preset": "paper", "budget": "300_000"}

ROWS = (
    Row("gray"),
    Row("mean_color"),
    Row("mse_regression", **_ZHANG),
    Row("zhang", **_ZHANG),
    Row("fusion", **_REPORT, size=224),
    Row("colorunet", **_REPORT, size=256),
    Row("gan", **_REPORT, size=256),
    Row("nogan", **_REPORT, size=256),
    Row("knn_patches", preset="paper"),
    Row("som_patches", preset="paper"),
)
DEFAULTS = {"preset": "paper", "budget": "300000", "size": 256}
NEEDS_PHOTOS = True
