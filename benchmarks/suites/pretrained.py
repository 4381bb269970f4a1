"""What do the trained weights do? All that come with the package, scored as they are, and gray.

    python benchmarks/run_all.py
    python benchmarks/run_all.py --suite pretrained --test-photos DIR --speed --out runs/held-out

Without --test-photos they color the nine photos that come with scikit-image, scikit-learn and
matplotlib. None of those was among the photos that the weights were learned from.

Cost: at most three minutes on two processor cores. Nothing is trained.

Expect to see what each approach is like: regression and fusion safe and muted, the others bolder.
Nine photos allow no claims; `benchmarks/results` holds the scores on many.
"""

from benchmarks.suites import UNTRAINED, Row, trained
from zoo.registry import list_pretrained, resolve, shipped_folder

_SHIPPED = map(resolve, map(shipped_folder, list_pretrained()))
ROWS = (Row("gray", budget=UNTRAINED), *map(trained, _SHIPPED))
