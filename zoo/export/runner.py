"""Run exported models as their users do: in a process of its own, which knows nothing of the zoo.

This file is a program, started by `zoo.export.checking`; it imports nothing but what users need.

    python -P runner.py REQUEST ANSWERS

Both are pickles, of nothing but lists, texts, bytes and arrays. The request is a list of artifacts:
format, path and calls, each a signature and inputs by name, arrays or lists of files' bytes. The
answer of a call is a list of arrays: one, or the bytes of each file.
"""

import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

#: A loaded artifact: a signature and inputs by name -> the answer, an array or files' bytes.
Artifact = Callable[[str, dict[str, Any]], np.ndarray]


def main() -> None:
    """Make all calls and write what comes back."""
    request, answers = map(Path, sys.argv[1:])
    found = []
    for kind, path, calls in pickle.loads(request.read_bytes()):
        run = _LOADERS[kind](path)
        found.append([_parts(run(signature, inputs)) for signature, inputs in calls])
    if "zoo" in sys.modules:
        raise RuntimeError("The exported models were run in a process that knows the zoo.")
    answers.write_bytes(pickle.dumps(found))


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


_LOADERS = {"saved_model": _saved_model, "onnx": _onnx, "litert": _litert, "web": _onnx}

if __name__ == "__main__":
    main()
