"""The lists of calls on the page about the architecture, followed in real runs."""

import re
import sys
import types
from collections.abc import Callable

from doc_pages import DOCS
from PIL import Image

from zoo import create_model

PAGE = (DOCS / "architecture.md").read_text(encoding="utf-8")


def listed(heading: str) -> list[str]:
    section = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^\d+\. `([\w.]+)`", section, flags=re.MULTILINE)


def called(action: Callable[[], object]) -> list[str]:
    """Functions of the project in the order of their first calls."""
    found: dict[str, None] = {}

    def note(frame: types.FrameType, event: str, argument: object) -> None:
        module = frame.f_globals.get("__name__", "")
        if event == "call" and module.split(".")[0] in ("zoo", "benchmarks"):
            found.setdefault(f"{module}.{frame.f_code.co_qualname}")

    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(None)
    return list(found)


def assert_followed(heading: str, action: Callable[[], object]) -> None:
    names, found = listed(heading), called(action)
    assert len(names) > 5
    missing = [name for name in names if name not in found]
    assert not missing, f"never called: {missing}"
    places = [found.index(name) for name in names]
    assert places == sorted(places), [found[place] for place in sorted(places)]


def test_a_photo_through_colorize(tmp_path):
    model = create_model("zhang:tiny")
    photo = tmp_path / "photo.png"
    Image.new("RGB", (40, 30), "gray").save(photo)
    assert_followed("A photo through `colorize`", lambda: model.colorize(photo))
