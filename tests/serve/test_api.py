"""Every address of the interface, against what the models themselves say."""

import io
import json
import zipfile

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from served import make_photo, opened, refused

import zoo
from zoo import registry
from zoo.hints.marks import Point
from zoo.serve.app import create_app
from zoo.serve.served_models import ServedModels
from zoo.transfer.reference import transfer_color

HINTS = zoo.Hints(points=(Point(10, 12, "#b23418", radius=3),)).to_json()


@pytest.fixture(scope="module")
def model(tiny):
    return zoo.load_model(tiny)


def expected(model, photo: bytes, **said) -> np.ndarray:
    """What the model itself says."""
    return model.colorize(photo, **said)


def test_it_answers_that_it_is_there(server):
    answer = server.client.get("/api/v1/health").json()
    assert answer == {"status": "ok", "version": zoo.__version__}


def test_models_are_told_with_their_options(server):
    answer = server.client.get("/api/v1/models").json()
    assert answer["default"] == "tiny"
    told = {one["name"]: one for one in answer["models"]}
    assert list(told) == ["tiny", "gray", "levin"]
    assert [told[name]["distributions"] for name in told] == [True, False, False]
    kind = registry.entry("zhang").load()
    assert [one["name"] for one in told["tiny"]["options"]] == [one.name for one in kind.options]
    factor = next(one for one in told["tiny"]["options"] if one["name"] == "render_factor")
    assert factor["whole"] is True
    assert (factor["low"], factor["high"], factor["default"]) == (1, 64, 8)
    strength = [one for one in told["levin"]["options"] if one["name"] == "own_strength"]
    assert strength[0]["default"] == 0.03


def test_the_names_that_come_trained_are_the_default():
    offered = ServedModels()
    assert [one.name for one in offered.all()] == [
        name
        for name in zoo.list_models()
        if name in zoo.list_pretrained() or name in ("gray", "levin")
    ]
    assert offered.default == "zhang"


def test_a_photo_is_colored_at_once(server, model):
    photo = make_photo()
    said = {"model": "tiny", "options": '{"temperature": 0.2}', "hints": json.dumps(HINTS)}
    answer = server.client.post("/api/v1/colorize", files={"photo": photo}, data=said)
    assert answer.headers["content-type"] == "image/png"
    hints = zoo.Hints.from_json(HINTS)
    assert (opened(answer.content) == expected(model, photo, hints=hints, temperature=0.2)).all()
    assert not list(server.service.store.scratch.iterdir())
    assert server.client.get("/api/v1/photos").json() == {"photos": []}


def test_a_reference_gives_its_colors_at_once(server):
    photo, reference = make_photo(), make_photo(seed=1)
    answer = server.client.post(
        "/api/v1/colorize",
        files={"photo": photo, "reference": reference},
        data={"model": "gray", "transfer": "reinhard"},
    )
    model = zoo.load_model("gray")
    wanted = transfer_color(photo, reference, "reinhard", model=model)
    assert (opened(answer.content) == wanted).all()


@pytest.mark.parametrize(
    ("kind", "made", "media"),
    [
        ("JPEG", "JPEG", "image/jpeg"),
        ("WEBP", "WEBP", "image/webp"),
        ("TIFF", "TIFF", "image/tiff"),
        ("BMP", "BMP", "image/bmp"),
        ("GIF", "PNG", "image/png"),
    ],
)
def test_photos_keep_their_format_and_size(server, kind, made, media):
    photo = server.upload(make_photo((61, 43), kind))
    assert (photo["width"], photo["height"], photo["format"]) == (61, 43, kind)
    job = server.wait(server.ask(photo, model="tiny"))
    answer = server.client.get(f"/api/v1/jobs/{job['id']}/result")
    assert answer.headers["content-type"] == media
    with Image.open(io.BytesIO(answer.content)) as image:
        assert (image.format, image.size) == (made, (61, 43))


def test_photos_that_lie_on_their_side_are_told_upright(server):
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = server.upload(make_photo((40, 30), "JPEG", exif=exif))
    assert (photo["width"], photo["height"]) == (30, 40)
    assert opened(server.colored(photo, model="gray")).shape[:2] == (40, 30)


def test_a_job_colors_as_the_model_does(server, model):
    data = make_photo((150, 110))
    photo = server.upload(data)
    hints = {"version": 1, "points": [{"x": 50, "y": 60, "color": [40, 30], "radius": 4}]}
    asked = {"model": "tiny", "options": {"temperature": 0.3, "render_factor": 4}, "hints": hints}
    job = server.ask(photo, **asked)
    assert job.items() >= {"photo": photo["id"], "error": None, **asked}.items()
    ended = server.wait(job)
    assert (ended["state"], ended["position"], ended["estimate"]) == ("done", None, None)
    answer = server.client.get(f"/api/v1/jobs/{job['id']}/result")
    wanted = expected(
        model, data, hints=zoo.Hints.from_json(hints), temperature=0.3, render_factor=4
    )
    assert (opened(answer.content) == wanted).all()


def test_hints_are_obeyed(server):
    """Also in a preview, whose pixels are others than those that hints are said in."""
    photo = server.upload(make_photo((200, 150)))
    hints = {"version": 1, "points": [{"x": 150, "y": 30, "color": [60, 50], "radius": 20}]}
    for side, place in ((None, (30, 150)), (100, (15, 75))):
        asked = {"model": "levin", "hints": hints, "side": side}
        red, green, blue = opened(server.colored(photo, **asked))[place].astype(int)
        assert red > green + 30
        assert red > blue + 30


def test_a_preview_is_small_and_has_the_same_colors(server):
    photo = server.upload(make_photo((200, 150)))
    whole = Image.fromarray(opened(server.colored(photo, model="tiny")))
    small = opened(server.colored(photo, model="tiny", side=100))
    assert small.shape == (75, 100, 3)
    difference = np.abs(np.array(whole.resize((100, 75))).astype(int) - small)
    assert difference.mean() < 2
    larger = server.colored(photo, model="tiny", side=400)
    with Image.open(io.BytesIO(larger)) as image:
        assert (image.format, image.size) == ("JPEG", (200, 150))


def test_a_photo_that_is_there_is_a_reference(server):
    photo, reference = server.upload(), server.upload(make_photo(seed=1))
    asked = {"model": "gray", "reference": reference["id"], "transfer": "welsh"}
    wanted = transfer_color(make_photo(), make_photo(seed=1), "welsh", model=zoo.load_model("gray"))
    assert (opened(server.colored(photo, **asked)) == wanted).all()


def test_a_gray_reference_makes_the_job_fail_with_a_sentence(server):
    gray = io.BytesIO()
    Image.new("L", (40, 40), 90).save(gray, "PNG")
    photo, reference = server.upload(), server.upload(gray.getvalue())
    job = server.wait(server.ask(photo, reference=reference["id"]))
    assert job["state"] == "failed"
    assert job["error"] == (
        "The reference is gray, so it has no colors to give; give one in color."
    )
    refused(server.client.get(f"/api/v1/jobs/{job['id']}/result"), 409, "is gray")


def test_photos_are_listed_newest_first(server):
    made = [server.upload(name=f"{number}.png") for number in range(3)]
    assert server.client.get("/api/v1/photos").json() == {"photos": made[::-1]}
    assert {**made[0], "id": None, "created": None, "expires": None} == {
        "id": None,
        "kind": "photo",
        "name": "0.png",
        "width": 40,
        "height": 30,
        "format": "PNG",
        "frames": None,
        "seconds": None,
        "created": None,
        "expires": None,
    }
    assert made[0]["created"].endswith("Z")


def test_the_photo_is_shown_in_gray(server):
    photo = server.upload(make_photo((200, 150)))
    answer = server.client.get(f"/api/v1/photos/{photo['id']}/image", params={"side": 100})
    assert answer.headers["content-type"] == "image/jpeg"
    shown = opened(answer.content).astype(int)
    assert shown.shape == (75, 100, 3)
    assert np.ptp(shown, axis=-1).max() <= 2
    wanted = zoo.load_model("gray").colorize(make_photo((200, 150)))
    assert np.abs(np.array(Image.fromarray(wanted).resize((100, 75))) - shown).mean() < 3
    whole = server.client.get(f"/api/v1/photos/{photo['id']}/image")
    assert opened(whole.content).shape == (150, 200, 3)
    refused(
        server.client.get(f"/api/v1/photos/{photo['id']}/image", params={"side": 9}), 422, "side"
    )


def test_suggestions_are_those_of_the_model(server, model):
    data = make_photo((120, 90))
    photo = server.upload(data)
    hints = {"version": 1, "palette": ["#2a4a80"]}
    asked = {"model": "tiny", "x": 30.5, "y": 60, "count": 4, "hints": hints}
    answer = server.client.post(f"/api/v1/photos/{photo['id']}/suggestions", json=asked).json()
    wanted = model.suggest_colors(data, (30.5, 60), 4, hints=zoo.Hints.from_json(hints))
    assert answer["suggestions"] == [{**vars(one), "ab": list(one.ab)} for one in wanted]
    assert len(wanted) > 1


def test_models_without_distributions_suggest_nothing(server):
    photo = server.upload()
    asked = {"model": "gray", "x": 1, "y": 1, "count": 5, "hints": None}
    answer = server.client.post(f"/api/v1/photos/{photo['id']}/suggestions", json=asked)
    refused(answer, 422, "gray predicts one color for each place")


def test_results_are_downloaded_under_the_name_of_the_photo(server):
    photo = server.upload(make_photo(kind="JPEG"), "gruß 1.jpeg")
    job = server.wait(server.ask(photo, model="gray"))
    address = f"/api/v1/jobs/{job['id']}/result"
    assert "content-disposition" not in server.client.get(address).headers
    kept = server.client.get(address, params={"download": 1}).headers["content-disposition"]
    assert kept == "attachment; filename*=utf-8''gru%C3%9F%201.jpg"


def test_hints_are_given_back_as_a_file(server, tmp_path):
    photo = server.upload(name="sea.png")
    job = server.ask(photo, model="gray", hints=HINTS)
    address = f"/api/v1/photos/{photo['id']}/hints"
    answer = server.client.get(address, params={"job": job["id"]})
    assert "sea-hints.json" in answer.headers["content-disposition"]
    (tmp_path / "hints.json").write_bytes(answer.content)
    assert zoo.Hints.read(tmp_path / "hints.json") == zoo.Hints.from_json(HINTS)
    without = server.ask(photo, model="gray")
    refused(server.client.get(address, params={"job": without["id"]}), 404, "no hints")


def test_an_archive_holds_results_and_hints(server):
    first, second = server.upload(name="a/sea.png"), server.upload(make_photo(seed=1), "sea.jpg")
    jobs = [
        server.wait(server.ask(first, model="gray", hints=HINTS)),
        server.wait(server.ask(second, model="gray")),
    ]
    named = ",".join(job["id"] for job in [*jobs, jobs[0]])
    answer = server.client.get("/api/v1/archive", params={"jobs": named})
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert packed.namelist() == ["sea.png", "sea-hints.json", "sea-2.png"]
        assert json.loads(packed.read("sea-hints.json")) == HINTS
        for name, job in zip(("sea.png", "sea-2.png"), jobs, strict=True):
            result = server.client.get(f"/api/v1/jobs/{job['id']}/result").content
            assert packed.read(name) == result
    assert not list(server.service.store.scratch.iterdir())
    refused(server.client.get("/api/v1/archive", params={"jobs": "x"}), 404, "no such job")


def test_the_page_and_what_stands_for_it(server, tmp_path):
    page = tmp_path / "page"
    client = TestClient(create_app(server.service, page), base_url="http://localhost")
    answer = client.get("/")
    assert (answer.status_code, "is not installed" in answer.text) == (404, True)
    page.mkdir()
    (page / "index.html").write_text("<p>Here.</p>")
    (page / "sw.js").write_text("")
    client = TestClient(create_app(server.service, page), base_url="http://localhost")
    assert client.get("/").text == "<p>Here.</p>"
    worker = client.get("/static/sw.js")
    assert worker.headers["service-worker-allowed"] == "/"
    assert client.get("/static/%2e%2e/%2e%2e/models.py").status_code == 404
