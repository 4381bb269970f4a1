"""Does everything work? Every registered model, trained for a moment.

    python benchmarks/run_all.py --suite smoke

Cost: five minutes on two processor cores, on the photos that come with other packages.

Expect every row to be "ok" and no order worth a word: five photos teach nothing, and three test
photos allow no claims. How good an approach is, the suite `compact` says.
"""

from benchmarks.suites import Row
from zoo.registry import list_models

ROWS = tuple(Row(name) for name in list_models())
DEFAULTS = {"preset": "compact", "budget": "300"}
