"""The files of that folder: the page, what it shares with `zoo serve`, the runtime, and a model.

    index.html ...          the page
    ort.wasm.min.js         ONNX Runtime Web; its other files are loaded by it
    ort-wasm-simd-threaded.js
    ort-wasm-simd-threaded.wasm.gz
    onnxruntime.*.txt       its license and notices
    model.json              what the page has to know of the model
    network.onnx            from L to ab

All are side by side, with addresses that are relative to the page's, so that the folder works
wherever it lies. Nothing here imports a framework: a server needs these files at once.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.files import sha256_of_file

_HERE = Path(__file__).parent
#: The page's own files.
PAGE = _HERE / "page"
#: ONNX Runtime Web, as its package has it but for the compression.
RUNTIME = _HERE / "runtime"
#: A model that comes with the package, for `zoo serve`: `network.onnx` and `model.json`.
READY = _HERE / "ready"

NETWORK, ABOUT = "network.onnx", "model.json"
_WASM = "ort-wasm-simd-threaded.wasm.gz"

#: What the page has in common with that of `zoo serve`, which is not imported: these are no modules
#: of Python.
_SERVED = _HERE.parents[1] / "serve" / "page"
_SHARED = ("compare.js", "elements.js", "options.js", "shell.js", "status.js", "style.css")
_ICONS = ("icon.svg", "icon-192.png", "icon-512.png")
#: Under which names the runtime's files are found, and what they are called here.
_RUNTIME_NAMES = {
    "ort.wasm.min.js": "ort.wasm.min.js",
    "ort-wasm-simd-threaded.js": "ort-wasm-simd-threaded.js",
    _WASM: _WASM,
    "onnxruntime.LICENSE.txt": "LICENSE",
    "onnxruntime.ThirdPartyNotices.txt": "ThirdPartyNotices.txt",
}


def page_files() -> dict[str, Path]:
    """Everything but the model: what each file is called in the folder, and where it comes from."""
    return (
        {file.name: file for file in sorted(PAGE.iterdir())}
        | {name: _SERVED / name for name in (*_SHARED, *_ICONS)}
        | {name: RUNTIME / source for name, source in _RUNTIME_NAMES.items()}
    )


def ready_files() -> dict[str, Path]:
    """As `page_files`, with the model that comes along."""
    return page_files() | {name: READY / name for name in (NETWORK, ABOUT)}


def loaded_files(network: Path) -> dict[str, Mapping[str, Any]]:
    """What the page loads after itself: addresses, sizes, and what changes when they do."""
    parts = {"runtime": (_WASM, RUNTIME / _WASM), "network": (NETWORK, network)}
    return {
        part: {
            "path": name,
            "bytes": source.stat().st_size,
            "version": sha256_of_file(source)[:16],
        }
        for part, (name, source) in parts.items()
    }
