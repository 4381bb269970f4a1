"""Files of weights as PyTorch writes them, made without it: both formats, byte by byte."""

import io
import pickle
import struct
import sys
import types
import zipfile
from collections import OrderedDict
from contextlib import contextmanager

import numpy as np

#: PyTorch's names of NumPy's types.
KINDS = {
    "f4": "FloatStorage",
    "f8": "DoubleStorage",
    "f2": "HalfStorage",
    "i8": "LongStorage",
    "i4": "IntStorage",
    "i2": "ShortStorage",
    "i1": "CharStorage",
    "u1": "ByteStorage",
    "b1": "BoolStorage",
}


def zipped(arrays, **further):
    """The format since PyTorch 1.6: the bytes of a file with these arrays by name."""
    described, storages = _described(arrays, **further)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", described)
        archive.writestr("archive/byteorder", "little")
        for key, values in storages.items():
            archive.writestr(f"archive/data/{key}", values.tobytes())
        archive.writestr("archive/version", "3\n")
    return file.getvalue()


def in_a_row(arrays, **further):
    """The format before PyTorch 1.6."""
    described, storages = _described(arrays, **further)
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}
    start = [0x1950A86A20F9469CFC6C, 1001, system]
    parts = [pickle.dumps(one, protocol=2) for one in start] + [described]
    parts.append(pickle.dumps(sorted(storages), protocol=2))
    for key in sorted(storages):
        values = storages[key]
        parts += [struct.pack("<q", values.size), values.tobytes()]
    return b"".join(parts)


def _described(arrays, changed=lambda part: part, state=None):
    """The pickle, and the storages by key; `changed` may damage what rebuilds a tensor."""
    with _torch() as torch:
        storages = {str(number): values.ravel() for number, values in enumerate(arrays.values())}
        content = OrderedDict()
        for key, (name, values) in zip(storages, arrays.items(), strict=True):
            strides = tuple(one // values.itemsize for one in values.strides)
            kind = getattr(torch, KINDS[values.dtype.str[1:]])
            storage = _Storage(("storage", kind, key, "cpu", values.size))
            rebuilt = (storage, 0, values.shape, strides, False, OrderedDict())
            content[name] = _Tensor(torch._utils._rebuild_tensor_v2, changed(rebuilt))
        content |= state or {}
        content._metadata = OrderedDict({"": {"version": 1}})
        file = io.BytesIO()
        _Pickler(file, protocol=2).dump(content)
    return file.getvalue(), storages


class _Storage:
    def __init__(self, pid):
        self.pid = pid


class _Tensor:
    def __init__(self, function, arguments):
        self.parts = function, arguments

    def __reduce__(self):
        return self.parts


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj):
        # The old format has a place for a view, which is always None.
        return obj.pid if isinstance(obj, _Storage) else None


@contextmanager
def _torch():
    """Modules in which the names stand that such files have."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in KINDS.values():
        setattr(torch, name, type(name, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2():
        pass

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = (
        utils.__name__,
        "_rebuild_tensor_v2",
    )
    utils._rebuild_tensor_v2, torch._utils = _rebuild_tensor_v2, utils
    before = {name: sys.modules.get(name) for name in ("torch", "torch._utils")}
    sys.modules |= {"torch": torch, "torch._utils": utils}
    try:
        yield torch
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def example():
    """Arrays of every type, one of them a view with other strides."""
    rng = np.random.default_rng(0)
    arrays = {
        f"layer.{kind}": rng.integers(0, 2, (3, 4)).astype(kind) for kind in KINDS if kind != "f4"
    }
    arrays["layer.weight"] = rng.normal(size=(2, 3, 1, 2)).astype("f4")
    arrays["layer.steps"] = np.array(7, "i8")
    return arrays
