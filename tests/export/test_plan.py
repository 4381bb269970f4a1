"""Mistakes in what is asked for are told before anything is made."""

import pytest

import zoo
from zoo.errors import ZooError
from zoo.export import plan as plans


def test_mistakes_are_told_before_anything_is_made(tmp_path, monkeypatch):
    gray, photos = zoo.create_model("gray"), zoo.sample_photos("val")
    made = tmp_path / "made"
    for wrong, message in (
        ({"format": "tflite"}, "no format 'tflite'.*litert"),
        ({"format": ()}, "No format"),
        ({"weights": "int4"}, "no kind of weights"),
        ({"temperature": 0.5}, "no option of gray 'temperature'"),
        ({"size": (8, 8)}, "A size is for the format litert"),
        ({"format": "litert", "size": (0, 8)}, "at least 1 x 1"),
        ({"weights": "int8", "calibration": photos}, "int8 is for the formats litert or web"),
        ({"format": "litert", "weights": "int8"}, "Calibration photos are for int8"),
        ({"format": "web", "calibration": photos}, "Calibration photos are for int8 of litert"),
        ({"format": ("web", "onnx")}, "web is a folder of its own"),
        ({"format": "web", "size": (8, 8)}, "A size is for the format litert"),
        ({"calibration": photos}, "Calibration photos are for int8"),
    ):
        with pytest.raises(ZooError, match=message):
            gray.export(made, **wrong)
    with pytest.raises(ZooError, match="exported gan has no noise"):
        zoo.create_model("gan:tiny").export(made, noise=3)
    monkeypatch.setattr(plans, "find_spec", lambda name: None)
    with pytest.raises(ZooError, match=r'needs onnx, .*pip install "colorization-zoo\[onnx\]"'):
        gray.export(made, "onnx")
    with pytest.raises(ZooError, match=r'format web needs onnx, .*"colorization-zoo\[onnx\]"'):
        gray.export(made, "web")
    assert not list(tmp_path.iterdir())
    made.mkdir()
    (made / "mine.txt").touch()
    with pytest.raises(ZooError, match="is there already"):
        gray.export(made)
