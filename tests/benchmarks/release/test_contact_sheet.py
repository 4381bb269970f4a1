from PIL import Image
from tiny_runs import make_photos

from benchmarks.release import contact_sheet


def test_every_model_colors_every_photo(tmp_path, shipped, capsys):
    make_photos(tmp_path / "photos", ["a.png", "b.png", "c.png"], seed=4)
    out = tmp_path / "docs" / "sheet.jpg"
    command = ["--photos", str(tmp_path / "photos"), "--count", "2", "--out", str(out)]
    assert contact_sheet.main(command) == 0
    assert "2 photos, 2 models" in capsys.readouterr().out
    with Image.open(out) as sheet:
        assert sheet.format == "JPEG"
        # Three columns of 240 px and the gaps around them: as it is, and two models.
        assert sheet.width == 3 * 240 + 4 * 8


def test_mistakes_get_one_sentence(tmp_path, shipped, capsys):
    out = ["--out", str(tmp_path / "sheet.jpg")]
    assert contact_sheet.main(["--photos", str(tmp_path / "none"), *out]) == 2
    assert "does not exist" in capsys.readouterr().err
    assert contact_sheet.main(["--photos", str(tmp_path), "--count", "0", *out]) == 2
    assert "'--count': Input should be greater than or equal to 1" in capsys.readouterr().err
    assert contact_sheet.main(["--photos", str(tmp_path), "--out", str(tmp_path / "a.txt")]) == 2
    assert "picture format" in capsys.readouterr().err


def test_without_weights_it_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("zoo.pretrained.FOLDER", tmp_path / "nothing")
    make_photos(tmp_path / "photos", ["a.png"], seed=4)
    command = ["--photos", str(tmp_path / "photos"), "--out", str(tmp_path / "sheet.jpg")]
    assert contact_sheet.main(command) == 2
    assert "No trained weights" in capsys.readouterr().err
    assert not (tmp_path / "sheet.jpg").exists()
