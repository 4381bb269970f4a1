"""The notebooks run top to bottom in a fresh kernel, with small settings and nothing skipped."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))

_TRAINING = {"PRESET": "tiny", "SIZE": 32}
#: What takes the place of the values in each notebook's cell of parameters.
SMALL = {
    "01_quickstart.ipynb": {"RENDER_FACTORS": (4, 8)},
    "02_color_spaces_and_bins.ipynb": {"MAP_PASSES": 4},
    "03_compare_the_approaches.ipynb": {},
    "04_temperature_and_rebalancing.ipynb": {
        "BUDGET": 16,
        "TEMPERATURES": (0.0, 0.38, 1.0),
        **_TRAINING,
    },
    "05_train_your_own.ipynb": {"BUDGET": 32, **_TRAINING},
    "06_adversarial_training.ipynb": {"BUDGET": 64, **_TRAINING},
    "07_export_and_serve.ipynb": {"REPETITIONS": 1},
    "08_films.ipynb": {"SHOT": 8, "SHOWN": (6, 7, 8)},
    "09_say_which_color.ipynb": {"SIDE": 160, "COUNTS": (0, 1), "PHOTOS": 1},
}
#: Trainings of a few steps come sooner operation by operation, as in `conftest.eagerly`.
EAGER = "import tensorflow\n\ntensorflow.config.run_functions_eagerly(True)"
#: Bytes of the folder: a clone has them all, and every version of them.
_LARGEST = 8_000_000


def read(name):
    return nbformat.read(FOLDER / name, as_version=4)


def test_every_notebook_has_small_settings():
    assert list(SMALL) == NOTEBOOKS


def place_of(notebook, belongs):
    """The number of the one cell that belongs, by a function of a cell."""
    (place,) = (number for number, cell in enumerate(notebook.cells) if belongs(cell))
    return place


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_runs_from_top_to_bottom(name):
    notebook = read(name)
    place = place_of(notebook, lambda cell: "parameters" in cell.metadata.get("tags", ()))
    given = notebook.cells[place].source
    assert all(f"{parameter} = " in given for parameter in SMALL[name])
    # A cell without a line would not be run, nor counted.
    lines = [f"{parameter} = {value!r}" for parameter, value in SMALL[name].items()] or ["pass"]
    notebook.cells.insert(place + 1, nbformat.v4.new_code_cell("\n".join(lines)))
    if "BUDGET" in SMALL[name]:
        started = place_of(notebook, lambda cell: "\nstart_keras()" in cell.source)
        notebook.cells.insert(started + 1, nbformat.v4.new_code_cell(EAGER))
    client = NotebookClient(notebook, timeout=240, kernel_name="python3")
    client.execute(cwd=str(FOLDER))
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_is_stored_with_what_it_gave(name):
    """Run once in order from a fresh kernel, without an error, with pictures."""
    cells = [cell for cell in read(name).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    shown = [output.data for output in outputs if "data" in output]
    assert sum("image/jpeg" in data or "image/png" in data for data in shown) >= 2


def test_the_folder_is_small():
    assert sum((FOLDER / name).stat().st_size for name in NOTEBOOKS) < _LARGEST
