"""How good is each approach? Every model that needs no hints, on one folder, with an equal budget.

    python benchmarks/run_all.py --suite compact --photos DIR --out runs/compact
    python benchmarks/run_all.py --suite compact --photos DIR --seeds 0,1,2 --out runs/compact

The test photos are a tenth of the folder, or those of --test-photos. With several seeds every
figure is the mean over the trainings, and the report has a table of their spread.

Cost: `compact` presets see about 25 photos a second on two idle processor cores, so that 60,000
take 40 minutes a row and seed, more for `gan` and `nogan`.

Expect regression and fusion to lead in ab RMSE and AuC, and `zhang`, `colorunet`, `gan` and `nogan`
in colorfulness and class-rebalanced AuC. With `scratch`, after 90,000 views of 9,968 photos of
scenes, scored on 1,145 others, mse_regression had an ab RMSE of 11.1 and gray 14.5.
"""

from benchmarks.suites import Row
from zoo.registry import entry, list_models

#: Without hints the others are rows of gray.
ROWS = tuple(Row(name) for name in list_models() if not entry(name).from_hints)
DEFAULTS = {"preset": "compact", "budget": "60000"}
NEEDS_PHOTOS = True
