"""Run exported models as their users do: in a process of its own, which knows nothing of the zoo.

This file is a program that imports no `zoo`: see `zoo.export.checking`, which starts it.

    python -P runner.py REQUEST.json INPUTS.npz OUTPUTS.npz

The request is a list of artifacts, each with its "format", its "path" and "calls"; a call has a
"signature" and "inputs", which name arrays in INPUTS.npz: one array, or a list of arrays of bytes
where an input is a batch of files. OUTPUTS.npz gets an array "ARTIFACT.CALL" for each call, or one
for each file, "ARTIFACT.CALL.FILE".
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

Call = Callable[[str, dict[str, Any]], Any]


def main() -> None:
    """Make all calls and write what comes back."""
    request, inputs, outputs = sys.argv[1:]
    with open(request, encoding="utf-8") as file:  # noqa: PTH123 - nothing but what is needed
        artifacts = json.load(file)
    results: dict[str, np.ndarray] = {}
    with np.load(inputs, allow_pickle=False) as arrays:
        for number, artifact in enumerate(artifacts):
            run = LOADERS[artifact["format"]](artifact["path"])
            for index, call in enumerate(artifact["calls"]):
                given = {name: _given(arrays, keys) for name, keys in call["inputs"].items()}
                result = run(call["signature"], given)
                parts = result if isinstance(result, list) else None
                key = f"{number}.{index}"
                if parts is None:
                    results[key] = result
                else:
                    results |= {
                        f"{key}.{part}": np.frombuffer(data, np.uint8)
                        for part, data in enumerate(parts)
                    }
    if "zoo" in sys.modules:
        raise RuntimeError("an exported model was run with the zoo imported")
    np.savez(outputs, **results)


def _given(arrays: Any, keys: str | list[str]) -> np.ndarray | list[bytes]:
    return arrays[keys] if isinstance(keys, str) else [arrays[key].tobytes() for key in keys]


def _saved_model(path: str) -> Call:
    import tensorflow as tf

    loaded = tf.saved_model.load(path)

    def run(signature: str, inputs: dict[str, Any]) -> Any:
        function = loaded.signatures[signature]
        specs = function.structured_input_signature[1]
        tensors = {name: tf.constant(v, specs[name].dtype) for name, v in inputs.items()}
        ((_, result),) = function(**tensors).items()
        return list(result.numpy()) if result.dtype == tf.string else result.numpy()

    return run


def _onnx(path: str) -> Call:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda signature, inputs: session.run(None, inputs)[0]


def _litert(path: str) -> Call:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(path)

    def run(signature: str, inputs: dict[str, Any]) -> Any:
        details = {
            name: interpreter.get_input_details()[index]
            for name, index in _places(interpreter).items()
        }
        for name, values in inputs.items():
            interpreter.resize_tensor_input(details[name]["index"], np.shape(values))
        interpreter.allocate_tensors()
        for name, values in inputs.items():
            interpreter.set_tensor(details[name]["index"], values)
        interpreter.invoke()
        return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])

    return run
