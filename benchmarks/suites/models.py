"""Every registered model in one preset: the suite that is run where none is named.

    python benchmarks/run_all.py

On the sample photos it ends within five minutes on two processor cores and shows that everything
works. How good an approach is takes --photos with some thousand photos and a larger --budget.
"""

from benchmarks.suites import Row
from zoo.registry import list_models

ROWS = tuple(Row(name) for name in list_models())
