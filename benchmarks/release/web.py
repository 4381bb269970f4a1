"""Renew what comes with the package for the page whose model runs in the browser.

    npm pack onnxruntime-web@1.30.0
    pip download --no-deps onnxruntime==1.30.0
    python -m benchmarks.release.web --runtime onnxruntime-web-*.tgz --notices onnxruntime-*.whl
    python -m benchmarks.release.web --model mse_regression

The first line that starts this renews ONNX Runtime Web, of which the build for processors alone is
taken; its package lacks the notices, which are those of the package for Python. The second one
exports the model of `zoo serve`. Takes a minute.
"""

import gzip
import hashlib
import json
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from typer import Option

from zoo.cli.inputs import load_run
from zoo.cli.scripts import run_script
from zoo.errors import ZooError
from zoo.export.web.site import ABOUT, NETWORK, READY, RUNTIME
from zoo.files import atomic_path, read_json, write_json

#: What the files of the runtime's package are called here: hosts may not know .mjs as a script.
_SCRIPTS = {
    "ort.wasm.min.mjs": "ort.wasm.min.js",
    "ort-wasm-simd-threaded.mjs": "ort-wasm-simd-threaded.js",
}
_WASM = "ort-wasm-simd-threaded.wasm"
_NOTICES = ("LICENSE", "ThirdPartyNotices.txt")
#: What the runtime's files are, for whoever wants to compare them.
RECORD = "runtime.json"
#: Where the page of `zoo serve` with all models is, from the one with this model.
_HOME = "../"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    return run_script(renew, argv=argv)


def renew(
    runtime: Annotated[
        Path | None, Option(metavar="TGZ", help="The package onnxruntime-web.")
    ] = None,
    notices: Annotated[
        Path | None, Option(metavar="WHEEL", help="The package onnxruntime of that version.")
    ] = None,
    model: Annotated[str | None, Option(metavar="RUN", help="The model of `zoo serve`.")] = None,
) -> None:
    """Renew the runtime, the model, or both."""
    if (runtime is None) != (notices is None) or (runtime is None and model is None):
        raise ZooError("Give --runtime and --notices, or --model, or all three.")
    if runtime is not None and notices is not None:
        print(f"ONNX Runtime Web {renew_runtime(runtime, notices)} is in {RUNTIME}.")
    if model is not None:
        renew_model(model)
        print(f"{model} is in {READY}.")


def renew_runtime(package: Path, wheel: Path, to: Path = RUNTIME) -> str:
    """Write the runtime's files, and return its version.

    Raises:
        ZooError: if the packages cannot be read, or are of two versions.
    """
    try:
        with tarfile.open(package) as archive:
            about = json.loads(_member(archive, "package.json"))
            content = {name: _member(archive, f"dist/{name}") for name in (*_SCRIPTS, _WASM)}
        with zipfile.ZipFile(wheel) as archive_:
            texts = {name: archive_.read(f"onnxruntime/{name}") for name in _NOTICES}
    except (OSError, KeyError, ValueError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise ZooError(
            f"{package} and {wheel} cannot be read ({error!r}); download again."
        ) from error
    version = str(about["version"])
    if f"onnxruntime-{version}-" not in wheel.name:
        raise ZooError(f"{wheel.name} is not of version {version}; download that one.")
    # Without a name and a time: the same content is the same file.
    packed = gzip.compress(content[_WASM], 9, mtime=0)
    files = {_SCRIPTS[name]: content[name] for name in _SCRIPTS} | {f"{_WASM}.gz": packed} | texts
    for name, data in files.items():
        with atomic_path(to / name) as temporary:
            temporary.write_bytes(data)
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}
    names = {"package": about["name"], "version": version, "license": about["license"]}
    write_json(to / RECORD, names | {"sha256": hashes})
    return version


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    found = archive.extractfile(f"package/{name}")
    if found is None:
        raise KeyError(name)
    return found.read()


def renew_model(run: str, to: Path = READY) -> None:
    """Export a model, and keep of it what `zoo serve` needs."""
    model = load_run(run)
    with TemporaryDirectory() as folder:
        made = model.export(Path(folder) / "made", "web")
        about: dict[str, Any] = read_json(made / ABOUT)
        with atomic_path(to / NETWORK) as temporary:
            temporary.write_bytes((made / NETWORK).read_bytes())
    # By this a test knows that the weights are still those of the package.
    sources = {"home": _HOME, "weights_sha256": model.card.weights_sha256}
    write_json(to / ABOUT, about | sources)


if __name__ == "__main__":
    sys.exit(main())
