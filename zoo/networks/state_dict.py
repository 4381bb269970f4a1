"""Reading files of PyTorch weights, without PyTorch and without executing anything of them.

Such a file is raw arrays and a pickle that describes the tensors in them. Since PyTorch 1.6 it is a
ZIP archive; before, it was pickles in a row with the arrays behind them. The unpickler here makes
tensors, storages and dictionaries, and refuses every other name.
"""

import io
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np

from zoo.errors import ZooError

#: How the format before PyTorch 1.6 begins: a number, then the version.
_MAGIC, _VERSION = 0x1950A86A20F9469CFC6C, 1001

#: How storages keep their numbers, little-endian; NumPy has no bfloat16, whose bits are read.
_STORAGES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "BFloat16Storage": "<u2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "<?",
}


def read_state_dict(path: Path, wanted: str) -> dict[str, np.ndarray]:
    """Read a PyTorch state dict without executing any of it: float32 arrays by name.

    Args:
        path: the file.
        wanted: what the file should be, for the message.

    Raises:
        ZooError: if the file is missing or damaged, holds code, or is something else.
    """
    if not path.is_file():
        raise ZooError(f"There is no file {path}; give the path of {wanted}.")
    try:
        with path.open("rb") as file:
            content, storages = (_zipped if zipfile.is_zipfile(file) else _in_a_row)(file)
            return {str(name): _array(tensor, storages) for name, tensor in content.items()}
    except _CodeError as error:
        raise ZooError(
            f"{path} holds code beside weights ({error}), which was not executed; give {wanted}."
        ) from error
    except Exception as error:  # on damaged files an unpickler raises almost anything
        raise ZooError(
            f"{path} is no PyTorch file of weights, or it is damaged; give {wanted}, or get it "
            "again."
        ) from error


class _CodeError(Exception):
    """A pickle asks for something that is no part of a tensor."""


@dataclass(frozen=True)
class _Storage:
    """Numbers of a file: its key, how they are kept, and how many there are."""

    key: str
    kind: str
    count: int

    def array(self, raw: bytes) -> np.ndarray:
        """The numbers as float32."""
        values = np.frombuffer(raw, _STORAGES[self.kind], self.count)
        if self.kind == "BFloat16Storage":  # the upper half of a float32
            return (values.astype("<u4") << 16).view("<f4")
        return values.astype("float32")


@dataclass(frozen=True)
class _Tensor:
    """A view of a storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @classmethod
    def rebuild(
        cls,
        storage: _Storage,
        offset: int,
        shape: tuple[int, ...],
        strides: tuple[int, ...],
        *_: Any,
    ) -> "_Tensor":
        return cls(storage, offset, shape, strides)

    @classmethod
    def rebuild_parameter(cls, tensor: "_Tensor", *_: Any) -> "_Tensor":
        return tensor


_Storages = dict[str, np.ndarray]


def _array(tensor: Any, storages: _Storages) -> np.ndarray:
    """Cut a tensor out of its storage; a file may not reach beyond that."""
    if not isinstance(tensor, _Tensor):
        raise TypeError(f"{type(tensor).__name__} among the weights")
    values, steps = storages[tensor.storage.key], (tensor.offset, *tensor.strides)
    if len(tensor.shape) != len(tensor.strides) or min((*steps, *tensor.shape)) < 0:
        raise ValueError("a tensor without a place")
    count = int(np.prod(tensor.shape, dtype=object))
    pairs = zip(tensor.shape, tensor.strides, strict=True)
    last = tensor.offset + sum((side - 1) * stride for side, stride in pairs)
    if count > len(values) or (count and last >= len(values)):
        raise ValueError("a tensor that is larger than its storage")
    if not count:
        return np.zeros(tensor.shape, "float32")
    strides = [stride * values.itemsize for stride in tensor.strides]
    view = np.lib.stride_tricks.as_strided(values[tensor.offset :], tensor.shape, strides)
    return np.array(view)


# Python's own unpickler in place of the one in C: for a damaged number of a memo, which is any of
# 32 bits, that one allocates gigabytes.
class _Unpickler(pickle._Unpickler):
    """Makes tensors that point at storages, whose numbers are read elsewhere."""

    stack: list[Any]

    def __init__(self, file: Any) -> None:
        super().__init__(file, encoding="utf-8")
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        known: dict[tuple[str, str], Callable[..., Any]] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): partial(_Tensor.rebuild),
            ("torch._utils", "_rebuild_parameter"): partial(_Tensor.rebuild_parameter),
        }
        if module == "torch" and name in _STORAGES:
            return partial(_Storage, kind=name)
        if (module, name) not in known:
            raise _CodeError(f"{module}.{name}")
        return known[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        kind, make, key, _, count, *view = pid
        if kind != "storage" or any(one is not None for one in view):
            raise ValueError("no storage")
        storage = self.storages.setdefault(key, make(key=key, count=count))
        if not isinstance(storage, _Storage) or storage != make(key=key, count=count):
            raise ValueError("two storages of one name")
        return storage

    def _forget_state(self) -> None:
        # The state of a state dict is the versions of its modules.
        self.stack.pop()

    dispatch: ClassVar = {
        **pickle._Unpickler.dispatch,
        pickle.BUILD[0]: _forget_state,  # type: ignore[dict-item]
    }


def _zipped(file: BinaryIO) -> tuple[Any, _Storages]:
    """Read the format since PyTorch 1.6."""
    with zipfile.ZipFile(file) as archive:
        # PyTorch compresses nothing; a few compressed bytes could become any number of them.
        _expect(all(one.compress_type == zipfile.ZIP_STORED for one in archive.infolist()))
        (description,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
        folder = description.removesuffix("data.pkl")
        if f"{folder}byteorder" in archive.namelist():
            _expect(archive.read(f"{folder}byteorder") == b"little")
        unpickler = _Unpickler(io.BytesIO(archive.read(description)))
        content = unpickler.load()
        parts = unpickler.storages
        return content, {
            key: one.array(archive.read(f"{folder}data/{key}")) for key, one in parts.items()
        }


def _in_a_row(file: BinaryIO) -> tuple[Any, _Storages]:
    """Read the format before PyTorch 1.6."""
    file.seek(0)
    _expect([_Unpickler(file).load() for _ in range(2)] == [_MAGIC, _VERSION])
    _expect(_Unpickler(file).load()["little_endian"])
    unpickler = _Unpickler(file)
    content, keys = unpickler.load(), _Unpickler(file).load()
    return content, dict(_storages_in_a_row(file, keys, unpickler.storages))


def _storages_in_a_row(
    file: BinaryIO, keys: list[str], storages: dict[str, _Storage]
) -> Iterator[tuple[str, np.ndarray]]:
    _expect(sorted(keys) == sorted(storages))
    for key in keys:
        storage = storages[key]
        (count,) = struct.unpack("<q", file.read(8))
        _expect(count == storage.count)
        yield key, storage.array(file.read(count * np.dtype(_STORAGES[storage.kind]).itemsize))


def _expect(holds: bool) -> None:
    if not holds:
        raise ValueError("not what PyTorch writes")
