"""Predictions in int8, where a measurement on this machine says that they gain.

Weights and what flows between the layers are whole numbers of 8 bits, whose ranges the embedded
photos show; ONNX Runtime (the extra `onnx`) computes with them. Processors with instructions for
products of bytes (VNNI) take about half of the time, or less. Colors move a little: others of the
embedded photos tell how far.

What was measured, and the quantized networks, stay in the cache folder, under all that the answer
depends on. What is damaged there is made again.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import keras
from keras import ops

from zoo._version import __version__
from zoo.color.spaces import Tensor
from zoo.errors import ZooError
from zoo.files import atomic_path, cache_folder, read_json, sha256_of_file, write_json
from zoo.fullsize import FullSize
from zoo.inputs import SimulatedInput, inputs_of_photos
from zoo.metrics import Pair
from zoo.networks.runner import FixedWeights, PlainRunner, Runner
from zoo.options import RENDER_FACTOR
from zoo.photos.samples import sample_photos
from zoo.training.precision import machine_name

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer

#: The folder in the cache folder.
STORE = "int8"
#: int8 must be at least this much faster, and move no photo's colors by more, in mean CIEDE2000.
_WORTHWHILE, _MOST_CIEDE2000 = 1.15, 1.0
#: Short side of the embedded photos, and how often a prediction is timed.
_SIDE, _REPETITIONS = 256, 5

_NEEDED = ("onnx", "onnxruntime", "tf2onnx")
_Given = Mapping[str, Any]


@dataclass(frozen=True)
class Gain:
    """What int8 gains and costs on this machine.

    Attributes:
        speedup: how many times as fast the networks are as in float32.
        ciede2000: mean CIEDE2000 between the answers in int8 and in float32, of the embedded test
            photo for which it is largest; None where the speed decides alone.
    """

    speedup: float
    ciede2000: float | None = None

    @property
    def pays(self) -> bool:
        return self.ciede2000 is not None and self.ciede2000 < _MOST_CIEDE2000


@dataclass(frozen=True)
class Choice:
    """How a model's networks run fastest here.

    Attributes:
        runner: predicts in int8; None where float32 stays.
        gain: why; None where int8 was not tried.
    """

    runner: Runner | None
    gain: Gain | None

    def __str__(self) -> str:
        if self.gain is None:
            return "Predicting in float32: int8 is for networks that see the photo alone."
        precision = "float32" if self.runner is None else self.runner.precision
        found = f"int8 is {self.gain.speedup:.1f} times as fast on this machine"
        if self.gain.ciede2000 is not None:
            found += f", CIEDE2000 {self.gain.ciede2000:.2f} to float32"
        return f"Predicting in {precision}: {found}."


class Int8Runner(Runner):
    """Runs quantized networks in ONNX Runtime; those that it does not have, as Keras does.

    Args:
        files: ONNX files by the network that each is made of.
    """

    precision: ClassVar[str] = "int8"

    def __init__(self, files: Mapping[keras.Model, Path]) -> None:
        self._runs = {network: opened(file) for network, file in files.items()}
        self._plain = PlainRunner()

    def __call__(self, network: keras.Model, inputs: Mapping[str, Tensor]) -> Any:
        run = self._runs.get(network)
        if run is None:
            return self._plain(network, inputs)
        outputs = run(_arrays(network, inputs))
        return outputs[0] if len(outputs) == 1 else outputs


def fastest(model: "Colorizer") -> Choice:
    """Choose between float32 and int8; the first time here this takes some seconds to a minute.

    Raises:
        ZooError: as `require_int8`.
    """
    require_int8()
    if any(isinstance(one, SimulatedInput) for one in model.inputs):
        return Choice(None, None)  # photos do not show the range of what will be said by hints
    folder = cache_folder() / STORE / _digest(model)
    known = _known(model, folder)
    if known is not None:
        return known
    gain, files = _measured(model, folder)
    if not gain.pays:
        for file in files.values():
            file.unlink()
        files = {}
    write_json(
        folder / "gain.json",
        {**asdict(gain), "sha256": {name: sha256_of_file(file) for name, file in files.items()}},
    )
    return _choice(model, gain, files)


def require_int8() -> None:
    """Refuse to choose where there is no choice.

    Raises:
        ZooError: if the extra `onnx` is missing, or Keras runs on another backend than TensorFlow.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise ZooError(
            f"The precision auto needs {', '.join(missing)}; run "
            "`pip install 'colorization-zoo[onnx]'`, or leave it out."
        )
    if keras.backend.backend() != "tensorflow":
        raise ZooError(
            f"The precision auto needs the TensorFlow backend, not {keras.backend.backend()}; "
            "leave it out."
        )


def _choice(model: "Colorizer", gain: Gain, files: Mapping[str, Path]) -> Choice:
    if not gain.pays:
        return Choice(None, gain)
    return Choice(Int8Runner({model.networks[name]: one for name, one in files.items()}), gain)


def _known(model: "Colorizer", folder: Path) -> Choice | None:
    """What was measured before; None if nothing was, or files are damaged."""
    try:
        stored = read_json(folder / "gain.json")
        gain = Gain(stored["speedup"], stored["ciede2000"])
        files = {name: _file(folder, name) for name in stored["sha256"]}
        if any(sha256_of_file(files[name]) != digest for name, digest in stored["sha256"].items()):
            return None
        return _choice(model, gain, files)
    except (ZooError, OSError, KeyError, TypeError, ValueError):
        return None


def _file(folder: Path, network: str) -> Path:
    return folder / f"{network}.onnx"


def _digest(model: "Colorizer") -> str:
    """What the answer depends on: machine, versions, configuration, options and weights."""
    import onnxruntime

    said = [machine_name(), onnxruntime.__version__, __version__, model.name]
    content = [*said, asdict(model.config), model.defaults]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode())
    for name, values in sorted(model.weight_values().items()):
        digest.update(name.encode())
        digest.update(values.tobytes())
    return digest.hexdigest()[:32]


# ---------------------------------------------------------------------- measuring


class _Recorder(Runner):
    """Runs networks as Keras does, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: dict[keras.Model, list[dict[str, Any]]] = {}
        self._plain = PlainRunner()

    def __call__(self, network: keras.Model, inputs: Mapping[str, Tensor]) -> Any:
        self.asked.setdefault(network, []).append(_arrays(network, inputs))
        return self._plain(network, inputs)


def _measured(model: "Colorizer", folder: Path) -> tuple[Gain, dict[str, Path]]:
    """Quantize the networks that color the embedded photos; say what that gains, and the files."""
    asked = _asked(model)
    names = {network: name for name, network in model.networks.items()}
    files = {names[network]: _file(folder, names[network]) for network in asked}
    for network, photos in asked.items():
        quantize(network, photos, files[names[network]])
    ours = Int8Runner({model.networks[name]: file for name, file in files.items()})
    with FixedWeights(asked, predictions=1000) as plain:
        before, after = _seconds(asked, (plain, ours))
        if before / after < _WORTHWHILE:
            return Gain(before / after), files
        rgbs = [photo.read(_SIDE) for photo in sample_photos("test")]
        answers = ([model.colorize(rgb, runner=one) for rgb in rgbs] for one in (plain, ours))
        errors = [float(Pair(*both).ciede2000.mean()) for both in zip(*answers, strict=True)]
    return Gain(before / after, max(errors)), files


def _asked(model: "Colorizer") -> dict[keras.Model, list[dict[str, Any]]]:
    """What the networks see of each embedded photo to learn from."""
    recorder, factor = _Recorder(), int(model.defaults[RENDER_FACTOR.name])
    for photo in sample_photos("train"):
        seen = inputs_of_photos(model.inputs, FullSize(photo.read(_SIDE)[None]), factor)
        model.predict(seen, runner=recorder)
    return recorder.asked


def _seconds(
    asked: Mapping[keras.Model, list[dict[str, Any]]], runners: Sequence[Runner]
) -> list[float]:
    """The fastest of several predictions of a photo by all networks, by each of the runners."""
    seconds: list[list[float]] = [[] for _ in runners]
    for _ in range(1 + _REPETITIONS):  # the first one makes graphs
        for times, runner in zip(seconds, runners, strict=True):
            started = time.perf_counter()
            for network, photos in asked.items():
                runner(network, photos[0])
            times.append(time.perf_counter() - started)
    return [min(times[1:]) for times in seconds]


def quantize(network: keras.Model, asked: Sequence[_Given], file: Path) -> None:
    """Write a network as ONNX of 8 bits: weights for each channel, activations for each layer.

    Args:
        network: on the TensorFlow backend.
        asked: inputs by name, NumPy arrays, that show the ranges of its numbers.
        file: to write.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.quant_utils import add_pre_process_metadata

    from zoo.export.onnx import network_model

    plain = network_model(network)
    add_pre_process_metadata(plain)  # else it warns of steps that change nothing here
    with atomic_path(file) as temporary:
        quantize_static(
            plain,
            temporary,
            _Calibration(asked),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
        )


class _Calibration:
    """Gives what the network saw of each photo, one after the other, then None."""

    def __init__(self, asked: Sequence[_Given]) -> None:
        self._left: Iterator[_Given] = iter(asked)

    def get_next(self) -> _Given | None:
        return next(self._left, None)


# ---------------------------------------------------------------------- running


def opened(file: Path) -> Callable[[_Given], list[Any]]:
    """Open an ONNX file: inputs by name -> outputs, NumPy arrays."""
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    # Threads that wait busily would take the cores from decoding and encoding.
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(file), settings, providers=["CPUExecutionProvider"])
    return partial(session.run, None)


def _arrays(network: keras.Model, inputs: Mapping[str, Tensor]) -> dict[str, Any]:
    return {one.name: ops.convert_to_numpy(inputs[one.name]) for one in network.inputs}
