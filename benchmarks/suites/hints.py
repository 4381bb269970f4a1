"""What do hints bring? The trained weights and `levin`, told the true colors of 0 to 100 points.

    python benchmarks/run_all.py --suite hints --test-photos DIR --out runs/hints

Points say the mean color of 6 x 6 px of the truth, in places that are random and the same for all
models. At most 200 of the test photos are scored so.

Cost: 200 photos take about a quarter of an hour on two processor cores. Nothing is trained.

Expect `levin`, which without points is gray, to meet the others at some dozens of points, and
`hinted`, which learned to listen, to gain most from the first few.
"""

from benchmarks.suites import UNTRAINED, Row
from benchmarks.suites.pretrained import ROWS as PRETRAINED

__all__ = ["DEFAULTS", "ROWS"]

ROWS = (
    Row("levin", "levin", budget=UNTRAINED),
    *(row for row in PRETRAINED if row.model != "gray"),
)
DEFAULTS = {"hints": True}
