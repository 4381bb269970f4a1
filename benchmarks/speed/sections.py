"""What the benchmark of speed measures: its parts, and the page's words about each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec

from benchmarks.speed.timing import Row

#: The model whose photos and hints are timed.
MODEL = "zhang"


@dataclass(frozen=True)
class Section:
    """One part, measured in a process of its own.

    Attributes:
        name: as the command takes it.
        title: on the page.
        text: what is compared, in a sentence or two.
        command: measures the same without a limit of time, or with its own.
        rows: how many there are in the end.
        share: of the time, relative to the other parts.
        measure: is told when the time is over, by `time.monotonic`; a new process can import it.
        needs: packages that not everybody has.
    """

    name: str
    title: str
    text: str
    command: str
    rows: int
    share: float
    measure: Callable[[float], Iterator[Row]]
    needs: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether what it needs is installed."""
        return all(find_spec(name) is not None for name in self.needs)


def _networks(end: float) -> Iterator[Row]:
    from benchmarks.speed.against_torch import torch_rows

    yield from torch_rows(end)


def _training(end: float) -> Iterator[Row]:
    from benchmarks.speed.training import ROWS, training_rows

    yield from training_rows(ROWS, end)


def _photos(end: float) -> Iterator[Row]:
    from benchmarks.speed.photos import rows_of

    yield from rows_of(MODEL)


def _hints(end: float) -> Iterator[Row]:
    from benchmarks.speed.hints import rows_of

    yield from rows_of(MODEL)


def _cluster(end: float) -> Iterator[Row]:
    from benchmarks.speed.cluster import PHOTOS, SIZE, rows_of

    yield from rows_of(MODEL, PHOTOS, SIZE)


#: In the order of the page.
SECTIONS = (
    Section(
        "networks",
        "Networks",
        "The network of Zhang et al. 2016 in three precisions, and a training step, beside "
        "PyTorch's on the same machine.",
        "python -m benchmarks.speed.hot_paths --against torch",
        rows=8,
        share=3,
        measure=_networks,
        needs=("torch", "onnxruntime", "tf2onnx"),
    ),
    Section(
        "training",
        "Training",
        "A training step of each compact model beside the same network and loss in PyTorch, and "
        "what validation takes of a training.",
        "python -m benchmarks.speed.training",
        rows=8,
        share=4,
        measure=_training,
        needs=("torch",),
    ),
    Section(
        "photos",
        "Photos and folders",
        f"How `{MODEL}` colors photos: large ones beside scikit-image's way to Lab and back, a "
        "small one beside its network, a folder beside the slower of its parts, and the command "
        "from a cold start beside the import of TensorFlow.",
        f"python -m benchmarks.speed.photos {MODEL}",
        rows=5,
        share=3,
        measure=_photos,
    ),
    Section(
        "hints",
        "Hints",
        "One more point on a photo whose network has answered, which is what somebody waits for "
        "who clicks; and points on a large photo.",
        f"python -m benchmarks.speed.hints {MODEL}",
        rows=3,
        share=1,
        measure=_hints,
    ),
    Section(
        "cluster",
        "A cluster",
        "What scheduling costs, by workers that sleep; and photos on one and two workers of one "
        "core beside one process on all cores.",
        f"python -m benchmarks.speed.cluster {MODEL}",
        rows=8,
        share=2,
        measure=_cluster,
        needs=("ray",),
    ),
)
