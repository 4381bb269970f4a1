"""How fast the page colors whose model runs in the browser.

    python -m benchmarks.speed.web [FOLDER]

The page at `/local`, or an exported folder, is opened in the system's Chromium without a window
(needs Playwright). A photo of 256 x 256 px is colored there, from its file to the picture that is
shown, and the same network file runs in ONNX Runtime for Python, on one thread as well. They take
turns, because other work on the machine slows both.
"""

import functools
import http.server
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from typer import Argument

from zoo import preprocessing
from zoo.cli.scripts import run_script
from zoo.errors import ZooError
from zoo.export.web.site import ABOUT, NETWORK, ready_files
from zoo.files import read_json

_SIDE = 256
_REPETITIONS = 15
_BROWSERS = ("chromium", "chromium-browser", "chrome")

_BEGIN = """async side => {
  const { Engine } = await import("./engine.js");
  const about = await (await fetch("model.json")).json();
  const engine = new Engine(() => {});
  const start = performance.now();
  await engine.ask("load", about);
  const canvas = new OffscreenCanvas(side, side);
  canvas.getContext("2d").fillRect(0, 0, side / 2, side);
  const photo = new File([await canvas.convertToBlob()], "photo.png");
  const options = Object.fromEntries(about.options.map(one => [one.name, one.default]));
  const loaded = performance.now() - start;
  window.color = async () => {
    const start = performance.now();
    await engine.ask("open", photo);
    await engine.ask("color", options);
    return performance.now() - start;
  };
  return loaded;
}"""


@dataclass(frozen=True)
class Times:
    """In milliseconds: the start of the model, and each coloring in the browser and in Python."""

    start: float
    browser: tuple[float, ...]
    python: tuple[float, ...]

    def __str__(self) -> str:
        browser, python = (statistics.median(part) for part in (self.browser, self.python))
        return (
            f"The model starts in {self.start:.0f} ms. A photo of {_SIDE} x {_SIDE} px takes "
            f"{browser:.0f} ms in the browser (at best {min(self.browser):.0f}), its network in "
            f"Python {python:.0f} ms (at best {min(self.python):.0f}), a ratio of "
            f"{browser / python:.1f}."
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    return run_script(web, argv=argv)


def web(
    folder: Annotated[
        Path | None, Argument(metavar="FOLDER", help="Of `zoo export --format web`; else /local.")
    ] = None,
) -> None:
    """Time the page whose model runs in the browser."""
    if folder is not None:
        print(measured(folder))
        return
    with tempfile.TemporaryDirectory() as made:
        for name, source in ready_files().items():
            shutil.copyfile(source, Path(made) / name)
        print(measured(Path(made)))


def measured(folder: Path, repetitions: int = _REPETITIONS) -> Times:
    """Time a page; the first coloring of each kind warms up and is left out.

    Raises:
        ZooError: if there is no browser, or nothing to drive one.
    """
    program = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if program is None:
        raise ZooError("There is no Chromium here; install it, as by `apt install chromium`.")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise ZooError("This needs Playwright; run `pip install playwright`.") from error
    run = _network(folder)
    with _host(folder) as address, sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.goto(f"{address}color.js")  # of the folder, but not the page, which would work beside
        start = float(page.evaluate(_BEGIN, _SIDE))
        pairs = [(page.evaluate("color()"), run()) for _ in range(repetitions + 1)][1:]
        browser.close()
    in_browser, in_python = zip(*pairs, strict=True)
    return Times(start, in_browser, in_python)


def _network(folder: Path) -> Callable[[], float]:
    """Runs the network once at the size at which it sees the photo; returns the milliseconds."""
    import onnxruntime

    about = read_json(folder / ABOUT)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(folder / NETWORK), settings, providers=["CPUExecutionProvider"]
    )
    size = preprocessing.working_size(_SIDE, _SIDE, about["render_factor"])
    inputs = {"lightness": np.full((1, *size, 1), 50, "float32")}
    for option in about["options"]:
        inputs[option["name"]] = np.array(option["default"], "float32")

    def run() -> float:
        start = time.perf_counter()
        session.run(None, inputs)
        return 1000 * (time.perf_counter() - start)

    return run


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """Says nothing of each request."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def _host(folder: Path) -> Iterator[str]:
    """A web host of one folder: its address."""
    handler = functools.partial(_Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


if __name__ == "__main__":
    sys.exit(main())
