"""The rest of an exported page, around the network that is there already."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.card import Outcome
from zoo.export import documents
from zoo.export.web.site import ABOUT, NETWORK, loaded_files, page_files
from zoo.files import write_json
from zoo.options import RENDER_FACTOR

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer
    from zoo.export.plan import Plan


def write(model: "Colorizer", folder: Path, plan: "Plan", outcomes: Mapping[str, Outcome]) -> None:
    """Write everything but the network into its folder."""
    documents.describe(model, folder, plan, outcomes)
    for name, source in page_files().items():
        shutil.copyfile(source, folder / name)
    about = describe(model, plan, folder / NETWORK)
    write_json(folder / ABOUT, about)
    (folder / "README.md").write_text(_readme(about), "utf-8")


def describe(model: "Colorizer", plan: "Plan", network: Path) -> dict[str, Any]:
    """What the page has to know of a model."""
    options = [
        {
            "name": one.name,
            "default": plan.options[one.name],
            "low": one.low,
            "high": one.high,
            "meaning": one.meaning,
            "whole": one.whole,
        }
        for one in model.options
        if one.export == "input"
    ]
    return {
        "name": f"{model.name}:{model.preset}",
        # None of what has been trained here: that is for whoever has trained it to say.
        "license": model.card.about.license if model.card.about else None,
        "render_factor": int(plan.options[RENDER_FACTOR.name]),
        "options": options,
        "files": loaded_files(network),
    }


def _readme(about: Mapping[str, Any]) -> str:
    rights = f", of the weights {about['license']}" if about["license"] else ""
    return (
        f"# {about['name']}: a page that colors photos on the device itself; nothing is uploaded\n"
        "Put this folder on any web host, or run `python -m http.server` in it and open "
        "http://localhost:8000; with the headers `Cross-Origin-Opener-Policy: same-origin` and "
        "`Cross-Origin-Embedder-Policy: require-corp` the model uses several cores.\n"
        "Licenses: of the page LICENSE.txt, of ONNX Runtime onnxruntime.LICENSE.txt and "
        f"onnxruntime.ThirdPartyNotices.txt{rights}; card.json says what it was trained on.\n"
    )
