"""Store the golden outputs, in one thread as the tests do, which run side by side.

    export TF_NUM_INTRAOP_THREADS=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
    python tests/golden/store.py

Only where outputs are meant to change: that nothing else changed is what they are for. Then run

    python tests/golden/store.py --again

which computes everything anew and notes, in made_on.json, the items that are not the same to the
bit; of those the test asks less. On another machine, with other versions or another number of
threads it only tells them.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))

from golden import items, outputs


def computed() -> tuple[items.Items, dict[str, Any], dict[str, Any]]:
    """All items, how the trainings went, and the shapes of weights, by model."""
    found, trainings, shapes = {}, {}, {}
    for name in outputs.shipped():
        started = time.monotonic()
        found |= items.predictions(name)
        shapes[name] = items.shapes(name)
        predicted = time.monotonic()
        found |= items.saved_model(name)
        seconds = predicted - started, time.monotonic() - predicted
        tell(f"{name}: predictions {seconds[0]:.1f} s, SavedModel {seconds[1]:.1f} s")
    for name in outputs.models():
        started = time.monotonic()
        trainings[name], weights = items.training(name)
        found |= weights
        tell(f"{name}: training {time.monotonic() - started:.1f} s")
    return found, trainings, shapes


def tell(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)  # noqa: T201


def store() -> None:
    """Compute and write everything."""
    found, trainings, shapes = computed()
    samples = {item: items.sample(item, value) for item, value in found.items()}
    np.savez_compressed(items.FOLDER / items.SAMPLES, **samples)
    hashes = {item: items.sha256(value) for item, value in found.items()}
    items.write_json(items.HASHES, hashes)
    items.write_json(items.TRAININGS, trainings)
    items.write_json(items.VARIABLES, shapes)
    items.write_json(items.MADE_ON, {"machine": items.machine(), "varying": []})


def store_varying() -> None:
    """Compute everything anew, and tell and note what is not the same to the bit."""
    found, trainings, _ = computed()
    hashes, made_on = items.read_json(items.HASHES), items.read_json(items.MADE_ON)
    varying = {item for item, value in found.items() if items.sha256(value) != hashes[item]}
    for name, outcome in items.read_json(items.TRAININGS).items():
        if outcome != trainings[name]:
            varying.add(f"{name}/training")
    tell("\n".join([f"{len(varying)} of {len(found)} items differ", *sorted(varying)]))
    if items.is_exact():
        made_on["varying"] = sorted(varying.union(made_on["varying"]))
        items.write_json(items.MADE_ON, made_on)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Store the golden outputs.")
    parser.add_argument("--again", action="store_true", help="note what varies between runs")
    if parser.parse_args().again:
        store_varying()
    else:
        store()
