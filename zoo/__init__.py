"""colorization-zoo: every well-known way to colorize a photo behind one interface.

The names below are loaded on first use: `import zoo` imports no deep-learning framework.
"""

import importlib
from typing import TYPE_CHECKING, Any

from zoo._version import __version__

if TYPE_CHECKING:
    from zoo.budget import Budget
    from zoo.evaluation.evaluate import evaluate
    from zoo.hints.marks import Hints
    from zoo.inference.films.coloring import colorize_video
    from zoo.metrics.networks import NetworkMetrics
    from zoo.photos.photoset import PhotoSet
    from zoo.photos.samples import sample_photos
    from zoo.registry import create_model, list_models, list_pretrained, load_model
    from zoo.transfer.reference import transfer_color

_HOMES = {
    "Budget": "zoo.budget",
    "Hints": "zoo.hints.marks",
    "NetworkMetrics": "zoo.metrics.networks",
    "PhotoSet": "zoo.photos.photoset",
    "colorize_video": "zoo.inference.films.coloring",
    "create_model": "zoo.registry",
    "evaluate": "zoo.evaluation.evaluate",
    "list_models": "zoo.registry",
    "list_pretrained": "zoo.registry",
    "load_model": "zoo.registry",
    "sample_photos": "zoo.photos.samples",
    "transfer_color": "zoo.transfer.reference",
}

__all__ = [
    "Budget",
    "Hints",
    "NetworkMetrics",
    "PhotoSet",
    "__version__",
    "colorize_video",
    "create_model",
    "evaluate",
    "list_models",
    "list_pretrained",
    "load_model",
    "sample_photos",
    "transfer_color",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
