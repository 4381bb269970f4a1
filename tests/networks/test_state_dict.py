"""Files of PyTorch weights: read as PyTorch reads them, and nothing else is accepted."""

import io
import os
import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch_files import example, in_a_row, zipped

from zoo.errors import ZooError
from zoo.networks.state_dict import read_state_dict

FORMATS = [zipped, in_a_row]
every_format = pytest.mark.parametrize("write", FORMATS)


def read(folder, content):
    file = folder / "weights.pth"
    file.write_bytes(content)
    return read_state_dict(file, "another")


def refused(folder, content, told=r"no PyTorch file of weights, or it is damaged; give another"):
    with pytest.raises(ZooError, match=told) as error:
        read(folder, content)
    assert "\n" not in str(error.value)


@every_format
def test_arrays_of_every_type_are_read_as_float32(tmp_path, write):
    found = read(tmp_path, write(example()))
    assert list(found) == list(example())
    for name, expected in example().items():
        assert found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], expected.astype("float32"), name)


@every_format
def test_views_have_their_strides(tmp_path, write):
    def turned(part):
        storage, _, (rows, columns), _, *rest = part
        return storage, 1, (columns - 1, rows), (1, columns), *rest

    values = np.arange(12, dtype="f4").reshape(3, 4)
    found = read(tmp_path, write({"weight": values}, changed=turned))
    np.testing.assert_array_equal(found["weight"], values.T[1:])


@every_format
@pytest.mark.parametrize(
    "part",
    [
        {1: 1},  # begins one number later, and so ends behind the storage
        {1: -1},
        {2: (3, 5)},
        {2: (-3, 4)},
        {2: (1 << 40, 4), 3: (0, 1)},  # the same rows again and again
        {3: (8, 1)},
        {3: (4, -1)},
        {3: (4,)},
        {0: "no storage"},
        {2: None},
    ],
)
def test_a_tensor_may_not_reach_beyond_its_storage(tmp_path, write, part):
    def changed(rebuilt):
        return tuple(part.get(place, one) for place, one in enumerate(rebuilt))

    values = {"weight": np.ones((3, 4), "f4")}
    assert read(tmp_path, write(values))["weight"].shape == (3, 4)
    refused(tmp_path, write(values, changed=changed))


class _Mischief:
    def __init__(self, function, *arguments):
        self.parts = function, arguments

    def __reduce__(self):
        return self.parts


@every_format
def test_code_is_refused_and_not_executed(tmp_path, write):
    made = tmp_path / "made"
    content = write(example(), state={"other": _Mischief(os.mkdir, str(made))})
    refused(tmp_path, content, r"holds code beside weights \(\w+\.mkdir\), which was not executed")
    for name in (eval, getattr, pickle.loads):
        refused(tmp_path, write(example(), state={"other": _Mischief(name, "1")}), "holds code")
    refused(tmp_path, pickle.dumps(_Mischief(os.mkdir, str(made))), "weights")
    assert not made.exists()


@every_format
def test_the_state_of_objects_changes_nothing(tmp_path, write):
    """A pickle may set attributes of what it makes, among them functions."""

    class Stateful:
        def __reduce__(self):
            return OrderedDict, (), {"keys": None, "items": None}

    refused(tmp_path, write(example(), state={"other": Stateful()}))
    assert len(read(tmp_path, write(example()))) == len(example())


def test_other_files_are_refused(tmp_path):
    others = [b"", b"<html>not found</html>", pickle.dumps(5), pickle.dumps({"a": np.ones(2)})]
    for content in others[:3]:
        refused(tmp_path, content)
    refused(tmp_path, others[3], "weights")
    compressed = tmp_path / "compressed.zip"
    plain = zipfile.ZipFile(io.BytesIO(zipped(example())))
    with plain, zipfile.ZipFile(compressed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in plain.namelist():
            archive.writestr(name, plain.read(name))
    refused(tmp_path, compressed.read_bytes())
    for write in FORMATS:
        refused(tmp_path, write(example(), state={"nested": {"weight": 1.0}}))
    with pytest.raises(ZooError, match=r"no file .*none\.pth; give the path of another"):
        read_state_dict(tmp_path / "none.pth", "another")


@every_format
def test_truncated_files_are_refused(tmp_path, write):
    whole = write(example())
    for length in range(0, len(whole) - 1, 29):
        refused(tmp_path, whole[:length], "weights")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("mutated")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(FORMATS), st.data())
def test_damaged_files_never_raise_anything_else(folder, write, data):
    content = bytearray(write(example()))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    try:
        found = read(folder, bytes(content))
    except ZooError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert all(isinstance(one, np.ndarray) for one in found.values())


@pytest.mark.parametrize("zipped", [True, False])
def test_files_that_pytorch_writes(tmp_path, zipped):
    torch = pytest.importorskip("torch")
    base = torch.arange(24.0).reshape(4, 6)
    module = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3))
    content = module.state_dict()
    content |= {"view": base[1:, ::2].T, "half": base.half(), "brain": base.bfloat16() / 7}
    content |= {"parameter": torch.nn.Parameter(base), "empty": torch.ones(0, 3)}
    file = tmp_path / "weights.pth"
    torch.save(content, file, _use_new_zipfile_serialization=zipped)
    found = read_state_dict(file, "another")
    assert list(found) == list(content)
    for name, tensor in content.items():
        expected = tensor.detach().float().numpy()
        assert found[name].shape == expected.shape, name
        np.testing.assert_array_equal(found[name], expected, name)
