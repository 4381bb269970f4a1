"""Run exported models as their users do: in a process of its own, which knows nothing of the zoo.

This file is a program, started by `zoo.export.checking`; it imports nothing but what users need.

    python -P runner.py REQUEST.json INPUTS.npz OUTPUTS.npz

The request is a list of artifacts, each with its "format", its "path" and "calls"; a call has a
"signature" and "inputs", which name arrays in INPUTS.npz: one array, or a list of arrays of bytes
where the input is a batch of files. OUTPUTS.npz gets "ARTIFACT.CALL.0" for each call; where the
answer is a batch of files, their bytes follow each other: "ARTIFACT.CALL.0", "ARTIFACT.CALL.1", ...
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

#: A loaded artifact: a signature and inputs by name -> the answer, an array or files' bytes.
Artifact = Callable[[str, dict[str, Any]], np.ndarray]


def main() -> None:
    """Make all calls and write what comes back."""
    request, inputs, outputs = sys.argv[1:]
    results: dict[str, Any] = {}
    with np.load(inputs, allow_pickle=False) as arrays:
        for number, artifact in enumerate(json.loads(Path(request).read_text("utf-8"))):
            run = _LOADERS[artifact["format"]](artifact["path"])
            for index, call in enumerate(artifact["calls"]):
                given = {name: _given(arrays, keys) for name, keys in call["inputs"].items()}
                for part, answer in enumerate(_parts(run(call["signature"], given))):
                    results[f"{number}.{index}.{part}"] = answer
    if "zoo" in sys.modules:
        raise RuntimeError("The exported models were run in a process that knows the zoo.")
    np.savez(outputs, **results)


def _given(arrays: Any, keys: str | list[str]) -> np.ndarray | list[bytes]:
    return arrays[keys] if isinstance(keys, str) else [arrays[key].tobytes() for key in keys]


def _parts(answer: np.ndarray) -> list[np.ndarray]:
    if answer.dtype != object:
        return [answer]
    return [np.frombuffer(data, np.uint8) for data in answer]


def _saved_model(path: str) -> Artifact:
    import tensorflow as tf

    loaded = tf.saved_model.load(path)

    def run(signature: str, inputs: dict[str, Any]) -> np.ndarray:
        tensors = {name: tf.constant(values) for name, values in inputs.items()}
        (answer,) = loaded.signatures[signature](**tensors).values()
        return answer.numpy()

    return run


def _onnx(path: str) -> Artifact:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda signature, inputs: session.run(None, inputs)[0]


def _litert(path: str) -> Artifact:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(path)

    def run(signature: str, inputs: dict[str, Any]) -> np.ndarray:
        (answer,) = interpreter.get_signature_runner(signature)(**inputs).values()
        return answer

    return run


_LOADERS = {"saved_model": _saved_model, "onnx": _onnx, "litert": _litert}

if __name__ == "__main__":
    main()
