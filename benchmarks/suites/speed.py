"""How fast, how large and how hungry is each model? What `--speed` measures, for all of them.

    python benchmarks/run_all.py --suite speed --out runs/speed

A training of a moment makes the models, since speed does not depend on what was learned; of
knn_patches alone it depends on how many photos there are. Then each model is timed in a process of
its own, warmed up: latency, throughput, training, memory.

Cost: some ten minutes on two processor cores.

Expect the patch models to be the slowest by far, and `gan` and `nogan` to train slowest for their
second network. Compare rows of one run alone: the same model differs by more between two machines.
"""

from benchmarks.suites import Row
from zoo.registry import entry, list_models

#: Without hints the others are as fast as gray.
ROWS = tuple(Row(name) for name in list_models() if not entry(name).from_hints)
DEFAULTS = {"preset": "compact", "budget": "64", "speed": True}
