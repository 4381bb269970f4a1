"""Every recipe on a small set of the same layout; real links are never followed."""

import csv
import hashlib
import io
import re
import sys
import tarfile
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat
from skimage.color import rgb2lab

import data_recipes
from data_recipes import find, places_nature, recipes
from data_recipes.prepare import prepare
from data_recipes.recipe import choose_nothing
from zoo import PhotoSet
from zoo.errors import ZooError
from zoo.files import read_json

KODAK = tuple(f"kodim{number:02d}.png" for number in range(1, 25))


def tar(entries: dict[str, bytes], gz: bool = True) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz" if gz else "w") as archive:
        for name, content in entries.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def zipped(entries: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file.getvalue()


def mat(**values) -> bytes:
    file = io.BytesIO()
    savemat(file, values)
    return file.getvalue()


def mirflickr(photo):
    photos = {f"mirflickr/im{number}.jpg": photo(number) for number in range(1, 13)}
    others = {"mirflickr/doc/license.txt": b"x", "__MACOSX/mirflickr/._im1.jpg": b"x"}
    places = {f"all/im{number}.jpg": (None, None) for number in range(1, 13)}
    return {"mirflickr25k.zip": zipped(others | photos)}, places


def sun397(photo):
    names = ("a/abbey/sun_aa.jpg", "a/apartment_building/outdoor/sun_ab.jpg", "z/zoo/sun_ac.jpg")
    photos = {f"SUN397/{name}": photo(number) for number, name in enumerate(names)}
    places = {
        "abbey/sun_aa.jpg": (None, "abbey"),
        "apartment_building/outdoor/sun_ab.jpg": (None, "apartment_building/outdoor"),
        "zoo/sun_ac.jpg": (None, "zoo"),
    }
    return {"SUN397.tar.gz": tar(photos | {"SUN397/README.txt": b"x"})}, places


def coco2017(photo):
    files = {
        "train2017.zip": zipped({f"train2017/{n:012d}.jpg": photo(n) for n in range(3)}),
        "val2017.zip": zipped({"val2017/000000000139.jpg": photo(9)}),
    }
    places = {f"train/{n:012d}.jpg": ("train", None) for n in range(3)}
    return files, places | {"val/000000000139.jpg": ("val", None)}


def flowers102(photo):
    photos = {f"jpg/image_{number:05d}.jpg": photo(number) for number in range(1, 5)}
    files = {
        "102flowers.tgz": tar(photos),
        "imagelabels.mat": mat(labels=[[77, 77, 1, 102]]),
        "setid.mat": mat(trnid=[[2]], valid=[[1]], tstid=[[3, 4]]),
    }
    places = {
        "train/077/image_00002.jpg": ("train", "077"),
        "val/077/image_00001.jpg": ("val", "077"),
        "test/001/image_00003.jpg": ("test", "001"),
        "test/102/image_00004.jpg": ("test", "102"),
    }
    return files, places


def tf_flowers(photo):
    names = ("daisy/1_a.jpg", "roses/2_b.jpg", "tulips/3_c.jpg")
    photos = {f"flower_photos/{name}": photo(number) for number, name in enumerate(names)}
    files = {"flower_photos.tgz": tar(photos | {"flower_photos/LICENSE.txt": b"x"})}
    return files, {name: (None, name.partition("/")[0]) for name in names}


def bsds500(photo):
    names = {"train/1.jpg": "train", "val/2.jpg": "val", "test/3.jpg": "test"}
    root = "BSR/BSDS500/data/"
    photos = {f"{root}images/{name}": photo(number) for number, name in enumerate(names)}
    others = {f"{root}images/train/Thumbs.db": b"x", f"{root}groundTruth/train/1.mat": b"x"}
    files = {"BSR_bsds500.tgz": tar(others | photos)}
    return files, {name: (split, None) for name, split in names.items()}


def kodak(photo):
    files = {name: photo(number, ".png") for number, name in enumerate(KODAK)}
    return files, {f"test/{name}": ("test", None) for name in KODAK}


def hrf(photo):
    photos = {f"images/{name}": photo(len(name)) for name in ("01_dr.JPG", "01_g.jpg")}
    photos["images/15_h.jpg"] = photo(3)
    others = {"manual1/01_dr.tif": b"x", "mask/01_dr_mask.tif": b"x"}
    places = {
        "dr/01_dr.JPG": (None, "dr"),
        "g/01_g.jpg": (None, "g"),
        "h/15_h.jpg": (None, "h"),
    }
    return {"all.zip": zipped(photos | others)}, places


def lfw(photo):
    names = ("Ann_Lee/Ann_Lee_0001.jpg", "Ann_Lee/Ann_Lee_0002.jpg", "Bo_Li/Bo_Li_0001.jpg")
    photos = {f"lfw/{name}": photo(number) for number, name in enumerate(names)}
    return {"lfw.tgz": tar(photos)}, {
        f"all/{name.partition('/')[2]}": (None, None) for name in names
    }


def celeba(photo):
    photos = {f"img_align_celeba/{number:06d}.jpg": photo(number) for number in range(1, 4)}
    listed = "000001.jpg 0\n000002.jpg 1\n000003.jpg 2\n"
    files = {
        "img_align_celeba.zip": zipped(photos),
        "list_eval_partition.txt": listed.encode(),
    }
    places = {
        "train/000001.jpg": ("train", None),
        "val/000002.jpg": ("val", None),
        "test/000003.jpg": ("test", None),
    }
    return files, places


def places_nature_set(photo):
    """Three beaches and deserts to train on, of which two each are taken; one of each to validate.

    Airfields are no nature.
    """
    labels = {"a/airfield": 0, "b/beach": 48, "d/desert/sand": 116}
    train = [
        (f"/{folder}/{number:08d}.jpg", index)
        for folder, index in labels.items()
        for number in range(1, 4)
    ]
    val = [
        (f"Places365_val_{number:08d}.jpg", index)
        for number, index in enumerate((48, 116, 0, 48), start=1)
    ]
    lists = {
        "places365_train_standard.txt": train,
        "places365_val.txt": val,
        "categories_places365.txt": [(f"/{name}", index) for name, index in labels.items()],
    }
    texts = {
        name: "".join(f"{file} {index}\n" for file, index in rows).encode()
        for name, rows in lists.items()
    }
    files = {
        "filelist_places365-standard.tar": tar(texts, gz=False),
        "val_256.tar": tar(
            {f"val_256/{name}": photo(number) for number, (name, _) in enumerate(val)}, gz=False
        ),
        "train_256_places365standard.tar": tar(
            {f"data_256{name}": photo(9 + number) for number, (name, _) in enumerate(train)},
            gz=False,
        ),
    }
    places = {}
    for folder in ("b/beach", "d/desert/sand"):
        names = [f"/{folder}/{number:08d}.jpg" for number in range(1, 4)]
        for name in sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())[:2]:
            places[f"train{name.replace('/b/', '/').replace('/d/', '/')}"] = (
                "train",
                folder.partition("/")[2],
            )
    first = min(val[0][0], val[3][0], key=lambda name: hashlib.sha256(name.encode()).digest())
    places[f"val/beach/{first}"] = ("val", "beach")
    places[f"val/desert/sand/{val[1][0]}"] = ("val", "desert/sand")
    return files, places


def hecd(photo):
    names = ["015004_gt.jpg", "015004A.jpg", "015004AB_1.jpg", "022090_gt.jpg", "022090Z_2.jpg"]
    photos = {f"HECD-bd00c96/HECDImages/{name}": photo(n) for n, name in enumerate(names)}
    others = {"HECD-bd00c96/bokeh_app/plot.jpg": photo(9), "HECD-bd00c96/README.md": b"x"}
    places = {f"test/{name[:6]}/{name}": ("test", name[:6]) for name in names}
    ratings = b"Ground Truth File,Recolour File,Mean zScore\n"
    return {"HECD.zip": zipped(others | photos), "mean_zscores.csv": ratings}, places


SETS = {
    "places-nature": places_nature_set,
    "mirflickr": mirflickr,
    "sun397": sun397,
    "coco2017": coco2017,
    "flowers102": flowers102,
    "tf-flowers": tf_flowers,
    "bsds500": bsds500,
    "kodak": kodak,
    "hrf": hrf,
    "lfw": lfw,
    "hecd": hecd,
    "celeba": celeba,
}


def rows_of(out):
    with (out / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def on_server(recipe, files, server):
    """The recipe, its files being on the server, with checksums of the same kind."""

    def moved(download):
        content = files[download.file]
        kind = (download.checksum or "").partition(":")[0]
        checksum = f"{kind}:{hashlib.new(kind, content).hexdigest()}" if kind else None
        url = None if download.url is None else server.add(download.file, content)
        return replace(download, url=url, checksum=checksum)

    return replace(recipe, downloads=tuple(map(moved, recipe.downloads)))


def check(out, places):
    """The manifest, its photos and the folder all say what is expected."""
    rows = rows_of(out)
    assert [row["file"] for row in rows] == sorted(f"photos/{path}" for path in places)
    for row in rows:
        split, label = places[row["file"].removeprefix("photos/")]
        assert row["label"] == (label or "")
        assert row["split"] == split or (split is None and row["split"] in ("train", "val", "test"))
    photos = PhotoSet.from_manifest(out / "manifest.csv")
    assert len(photos) == len(places)
    assert photos.labels == tuple(sorted({label for _, label in places.values() if label}))
    for split, number in Counter(row["split"] for row in rows).items():
        assert len(PhotoSet.from_manifest(out / "manifest.csv", split)) == number
    root = out / "photos"
    assert {path.relative_to(root).as_posix() for path in root.rglob("*.*")} == set(places)


def test_every_downloadable_set_is_tested():
    assert set(SETS) == {recipe.name for recipe in recipes() if recipe.downloads}


@pytest.mark.parametrize("name", SETS)
def test_downloadable_set(name, photo, server, tmp_path, monkeypatch):
    monkeypatch.setattr(places_nature, "TRAIN_EACH", 2)
    monkeypatch.setattr(places_nature, "VAL_EACH", 1)
    files, places = SETS[name](photo)
    recipe = on_server(find(name), files, server)
    by_hand = [download.file for download in recipe.downloads if download.url is None]
    given = tmp_path / "given" if by_hand else None
    for file in by_hand:
        given.mkdir(exist_ok=True)
        (given / file).write_bytes(files[file])
    out = tmp_path / "out"
    outcome = prepare(recipe, out, given)
    assert outcome.fresh
    assert not outcome.skipped
    check(out, places)
    source = read_json(out / "source.json")
    assert source["photos"] == outcome.photos
    assert source["license"] == recipe.license
    sums = {record["file"]: record["sha256"] for record in source["downloads"]}
    assert sums == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}

    requests = len(server.requests)
    again = prepare(recipe, out, given)
    assert (again.fresh, again.photos) == (False, outcome.photos)
    assert len(server.requests) == requests


# ---------------------------------------------------------------------- what users have


def write(folder, names, photo):
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(photo(number, path.suffix))
    return folder


def test_imagenet(photo, tmp_path):
    names = {
        "train/n01440764/n01440764_18.JPEG": ("train", "n01440764"),
        "train/n02102040/n02102040_7.JPEG": ("train", "n02102040"),
        "val/n01440764/ILSVRC2012_val_00000293.JPEG": ("val", "n01440764"),
        "val/ILSVRC2012_val_00000001.JPEG": ("val", None),
        "test/ILSVRC2012_test_00000001.JPEG": ("test", None),
    }
    given = write(tmp_path / "ILSVRC/Data/CLS-LOC", names, photo).parents[1]
    write(given, ["thumbnails/1.jpg"], photo)
    prepare(find("imagenet"), tmp_path / "out", given)
    check(tmp_path / "out", names)
    source = given / "Data/CLS-LOC/val/ILSVRC2012_val_00000001.JPEG"
    assert (tmp_path / "out/photos/val/ILSVRC2012_val_00000001.JPEG").samefile(source)


def test_drive(photo, tmp_path):
    given = write(
        tmp_path / "DRIVE",
        ["training/images/21_training.tif", "test/images/01_test.tif", "test/mask/01_test.tif"],
        photo,
    )
    prepare(find("drive"), tmp_path / "out", given)
    places = {
        "train/21_training.tif": ("train", None),
        "test/01_test.tif": ("test", None),
    }
    check(tmp_path / "out", places)


def test_imagenet_in_linked_folders(photo, tmp_path):
    """Large sets often lie on several disks."""
    write(tmp_path / "disk", ["n01440764/1.JPEG"], photo)
    (tmp_path / "ILSVRC").mkdir()
    (tmp_path / "ILSVRC/train").symlink_to(tmp_path / "disk")
    prepare(find("imagenet"), tmp_path / "out", tmp_path / "ILSVRC")
    check(tmp_path / "out", {"train/n01440764/1.JPEG": ("train", "n01440764")})


@pytest.mark.parametrize(
    "names",
    [
        {
            "train/sea/1.png": ("train", "sea"),
            "val/1.jpg": ("val", None),
            "test/a/b/1.png": ("test", "b"),
        },
        {"1.png": (None, None), "sea/1.png": (None, "sea"), "test/a/1.png": (None, "a")},
        {"train/1.png": (None, "train"), "ship/1.png": (None, "ship")},
        {"val/1.png": (None, "val"), "test/1.jpg": (None, "test")},
    ],
)
def test_folder(photo, tmp_path, names):
    given = write(tmp_path / "own", names, photo)
    write(given, [".hidden/1.png"], photo)
    (given / "notes.txt").write_text("x")
    prepare(find("folder"), tmp_path / "out", given)
    check(tmp_path / "out", names)


def colors(count, side=8):
    """Photos of one color each, well within sRGB."""
    rgb = np.random.default_rng(0).integers(60, 200, (count, 1, 1, 3), dtype=np.uint8)
    return np.broadcast_to(rgb, (count, side, side, 3))


def write_lab(folder, rgb, parts):
    """As OpenCV stores Lab in 8 bits."""
    lab = rgb2lab(rgb)
    folder.mkdir(exist_ok=True)
    np.save(folder / "gray_scale.npy", np.rint(lab[..., 0] * 2.55).astype(np.uint8))
    ab = np.rint(lab[..., 1:] + 128).astype(np.uint8)
    for number, part in enumerate(np.split(ab, parts), start=1):
        np.save(folder / f"ab{number}.npy", part)
    return folder


def test_mirflickr_lab(tmp_path):
    rgb = colors(6)
    given = write_lab(tmp_path / "npy", rgb, [2, 5])
    prepare(find("mirflickr-lab"), tmp_path / "out", given)
    check(tmp_path / "out", {f"all/{number:05d}.png": (None, None) for number in range(1, 7)})
    for number, expected in enumerate(rgb, start=1):
        with Image.open(tmp_path / f"out/photos/all/{number:05d}.png") as image:
            assert np.abs(np.asarray(image).astype(int) - expected).max() <= 4


def test_mirflickr_lab_with_the_first_colors_only(tmp_path):
    given = write_lab(tmp_path / "npy", colors(6), [2, 5])
    for number in (2, 3):
        (given / f"ab{number}.npy").unlink()
    assert sum(prepare(find("mirflickr-lab"), tmp_path / "out", given).photos.values()) == 2


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda folder: (folder / "gray_scale.npy").unlink(), "no gray_scale.npy"),
        (lambda folder: (folder / "ab2.npy").unlink(), "no ab2.npy"),
        (lambda folder: (folder / "ab1.npy").write_bytes(b"x"), "no .npy array"),
        (lambda folder: np.save(folder / "ab1.npy", np.zeros((2, 8, 8))), "holds float64"),
        (
            lambda folder: np.save(folder / "ab1.npy", np.zeros((2, 4, 8, 2), np.uint8)),
            "another size",
        ),
        (
            lambda folder: np.save(folder / "ab1.npy", np.array([{}]), allow_pickle=True),
            "no .npy array",
        ),
    ],
)
def test_mirflickr_lab_mistakes(tmp_path, break_it, words):
    given = write_lab(tmp_path / "npy", colors(6), [2, 5])
    break_it(given)
    with pytest.raises(ZooError, match=re.escape(words)):
        prepare(find("mirflickr-lab"), tmp_path / "out", given)


def fake_keras(monkeypatch, load_data):
    cifar10 = SimpleNamespace(load_data=load_data)
    keras = SimpleNamespace(datasets=SimpleNamespace(cifar10=cifar10))
    monkeypatch.setitem(sys.modules, "keras", keras)


def test_cifar10(tmp_path, monkeypatch):
    rgb = colors(3, side=32)
    parts = (rgb[:2], np.array([[3], [9]])), (rgb[2:], np.array([[0]]))
    fake_keras(monkeypatch, lambda: parts)
    prepare(find("cifar10"), tmp_path / "out")
    places = {
        "train/cat/00000.png": ("train", "cat"),
        "train/truck/00001.png": ("train", "truck"),
        "test/airplane/00000.png": ("test", "airplane"),
    }
    check(tmp_path / "out", places)
    with Image.open(tmp_path / "out/photos/train/truck/00001.png") as image:
        assert np.array_equal(np.asarray(image), rgb[1])


def test_cifar10_without_a_network(tmp_path, monkeypatch):
    def fail():
        raise Exception("URL fetch failure")

    fake_keras(monkeypatch, fail)
    with pytest.raises(ZooError, match=r"URL fetch failure.*get cifar-10-python\.tar\.gz from"):
        prepare(find("cifar10"), tmp_path / "out")


# ---------------------------------------------------------------------- what recipes state


@pytest.mark.parametrize("recipe", recipes(), ids=lambda recipe: recipe.name)
def test_recipe_is_complete(recipe):
    assert (recipe.choose is choose_nothing) == (recipe.make is not None)
    assert all((recipe.title, recipe.license, recipe.size))
    assert recipe.page.startswith(("http://", "https://")) or recipe.name == "folder"
    for download in recipe.downloads:
        assert download.url is None or download.url.startswith(("http://", "https://"))
        assert bool(recipe.by_hand) or download.url is not None
        if download.checksum is None:
            assert "hash of the first download" in download.checksum_source
        else:
            kind, _, digits = download.checksum.partition(":")
            assert len(digits) == {"md5": 32, "sha256": 64}[kind]
            assert "hash of the first download" not in download.checksum_source


def test_the_documentation_lists_every_set():
    page = Path(__file__).resolve().parents[2] / "docs" / "data_sets.md"
    lines = page.read_text(encoding="utf-8").splitlines()
    for recipe in recipes():
        (row,) = (line for line in lines if line.startswith(f"| `{recipe.name}` |"))
        assert recipe.page in row
        assert ("--from" in row) == bool(recipe.by_hand)


def test_nature_is_15000_and_3000():
    categories = len(set(places_nature.NATURE))
    assert categories == len(places_nature.NATURE)
    assert categories * places_nature.TRAIN_EACH == 15_000
    assert categories * places_nature.VAL_EACH == 3_000


def test_find_suggests():
    with pytest.raises(ZooError, match=r"no data set 'kodac' \(did you mean 'kodak'\?\)"):
        find("kodac")
    assert find("kodak") is data_recipes.kodak.RECIPE
