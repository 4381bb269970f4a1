"""What comes along for the page in the browser is made of two packages and a model."""

import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from types import SimpleNamespace

import pytest

from benchmarks.release import web
from zoo.errors import ZooError
from zoo.export.web.site import ABOUT, NETWORK

SCRIPTS = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs")
WASM = "ort-wasm-simd-threaded.wasm"


def packages(folder, version="1.2.3", files=(*SCRIPTS, WASM)):
    """The two packages with files that say what they are."""
    about = {"name": "onnxruntime-web", "version": version, "license": "MIT"}
    content = {f"dist/{name}": name.encode() for name in files}
    content["package.json"] = json.dumps(about).encode()
    with tarfile.open(folder / "package.tgz", "w:gz") as archive:
        for name, data in content.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    wheel = folder / "onnxruntime-1.2.3-cp312-cp312-linux.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in ("LICENSE", "ThirdPartyNotices.txt"):
            archive.writestr(f"onnxruntime/{name}", name)
    return folder / "package.tgz", wheel


def test_the_runtime_is_taken_out_of_its_package(tmp_path):
    made = tmp_path / "made"
    made.mkdir()
    assert web.renew_runtime(*packages(tmp_path), to=made) == "1.2.3"
    first = {file.name: file.read_bytes() for file in made.iterdir()}
    assert first["ort.wasm.min.js"] == b"ort.wasm.min.mjs"
    assert gzip.decompress(first[f"{WASM}.gz"]) == WASM.encode()
    assert first["ThirdPartyNotices.txt"] == b"ThirdPartyNotices.txt"
    record = json.loads(first["runtime.json"])
    assert (record["package"], record["version"]) == ("onnxruntime-web", "1.2.3")
    assert record["sha256"][WASM] == hashlib.sha256(WASM.encode()).hexdigest()
    assert set(record["sha256"]) == {*SCRIPTS, WASM}
    web.renew_runtime(*packages(tmp_path), to=made)
    assert {file.name: file.read_bytes() for file in made.iterdir()} == first


def test_packages_that_do_not_fit_are_refused(tmp_path):
    package, wheel = packages(tmp_path, version="1.2.4")
    with pytest.raises(ZooError, match=r"is not of version 1\.2\.4"):
        web.renew_runtime(package, wheel, to=tmp_path)
    package, wheel = packages(tmp_path, files=SCRIPTS)
    with pytest.raises(ZooError, match=r"cannot be read .*; download again"):
        web.renew_runtime(package, wheel, to=tmp_path)
    package.write_text("no package")
    with pytest.raises(ZooError, match="cannot be read"):
        web.renew_runtime(package, wheel, to=tmp_path)
    assert not list(tmp_path.glob("*.js*"))


def test_the_model_of_the_server_knows_its_weights_and_the_way_back(tmp_path, monkeypatch):
    def export(path, format):
        path.mkdir()
        (path / NETWORK).write_bytes(b"network")
        (path / ABOUT).write_text(json.dumps({"name": format}))
        return path

    model = SimpleNamespace(export=export, card=SimpleNamespace(weights_sha256="abc"))
    monkeypatch.setattr(web, "load_run", lambda run: model)
    web.renew_model("any", to=tmp_path)
    assert (tmp_path / NETWORK).read_bytes() == b"network"
    about = json.loads((tmp_path / ABOUT).read_text())
    assert about == {"name": "web", "home": "../", "weights_sha256": "abc"}


def test_it_wants_to_know_what_to_renew(capsys):
    for arguments in ([], ["--runtime", "a.tgz"]):
        assert web.main(arguments) != 0
        assert "Give --runtime and --notices, or --model" in capsys.readouterr().err
