"""The page of `zoo serve`: its files, and what it does in a browser.

The browser is the system's Chromium, driven by Playwright; without either, or without the server's
extra, the tests that need them skip.
"""

import io
import json
import re
import threading
import zipfile
from fractions import Fraction
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import skimage
from films import film_bytes, moving, read_film
from PIL import Image

import zoo
from zoo.serve import films as serving

PAGE = Path(zoo.__file__).parent / "serve" / "page"
FILES = sorted(file.name for file in PAGE.iterdir())
#: The service worker, and what it consists of.
WORKER = ("sw.js", "shell.js")
MODULES = [name for name in FILES if name.endswith(".js")]

WIDE = {"viewport": {"width": 1280, "height": 900}}
NARROW = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}

# ---------------------------------------------------------------------- its files


class Elements(HTMLParser):
    """Tags with their attributes, and the text of each script and style."""

    def __init__(self, text):
        super().__init__()
        self.found, self.inline = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data):
        if self.found and self.found[-1][0] in ("script", "style") and data.strip():
            self.inline.append(data)


@pytest.fixture(scope="module")
def elements():
    return Elements((PAGE / "index.html").read_text("utf-8"))


def test_nothing_is_inline(elements):
    assert elements.inline == []
    assert "style" not in {tag for tag, _ in elements.found}
    names = {name for _, attributes in elements.found for name in attributes}
    assert not {name for name in names if name == "style" or name.startswith("on")}


def test_every_file_that_the_page_names_exists(elements):
    named = [
        attributes.get("src") or attributes.get("href")
        for tag, attributes in elements.found
        if tag in ("script", "link")
    ]
    assert named
    assert {Path(name).name for name in named} <= set(FILES)
    assert all(name.startswith("static/") for name in named)


@pytest.mark.parametrize("name", [name for name in FILES if not name.endswith(".png")])
def test_no_file_names_another_host(name):
    text = (PAGE / name).read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"(https?:)?//[\w-]+\.\w", text)


@pytest.mark.parametrize("name", MODULES)
def test_imported_modules_and_names_exist(name):
    text = (PAGE / name).read_text("utf-8")
    for names, module in re.findall(r'^import \{([^}]*)\} from "\./([^"]+)";', text, re.M):
        source = (PAGE / module).read_text("utf-8")
        for one in filter(None, map(str.strip, names.split(","))):
            assert re.search(rf"^export (async )?(const|function|class) {one}\b", source, re.M)
            assert len(re.findall(rf"\b{one}\b", text)) > 1, f"{name} does not use {one}"


def test_every_id_that_the_modules_look_up_exists_once(elements):
    there = [attributes["id"] for _, attributes in elements.found if "id" in attributes]
    assert len(there) == len(set(there))
    for name in MODULES:
        text = (PAGE / name).read_text("utf-8")
        assert set(re.findall(r'(?:byId|getElementById)\("([^"]+)"\)', text)) <= set(there)


def test_fields_and_landmarks_are_named(elements):
    assert ("html", {"lang": "en"}) in elements.found
    labelled = [
        attributes.get("aria-labelledby") for tag, attributes in elements.found if tag == "section"
    ]
    assert all(labelled)
    ids = {attributes.get("id") for _, attributes in elements.found}
    assert set(labelled) <= ids
    assert all("alt" in attributes for tag, attributes in elements.found if tag == "img")


def test_the_icons_of_the_manifest_exist():
    manifest = json.loads((PAGE / "manifest.webmanifest").read_text("utf-8"))
    for icon in manifest["icons"]:
        assert icon["src"] in FILES
        if icon["src"].endswith(".png"):
            size = Image.open(PAGE / icon["src"]).size
            assert icon["sizes"] == "{}x{}".format(*size)


def test_the_worker_keeps_exactly_the_shell():
    text = (PAGE / "sw.js").read_text("utf-8")
    shell = re.search(r"const SHELL = \[(.*?)\];", text, re.S)
    kept = re.findall(r'"([^"]+)"', shell[1])
    # The page stands for index.html, and a worker is kept by the browser itself.
    assert sorted(kept) == sorted({*FILES, "../"} - {"index.html", *WORKER})


# ---------------------------------------------------------------------- in a browser


@pytest.fixture(scope="module")
def address(request, tmp_path_factory):
    """Where the server listens, with one model that suggests colors and two that do not."""
    addresses = pytest.importorskip("zoo.serve.http.addresses", reason="needs the extra serve")
    uvicorn = pytest.importorskip("uvicorn")
    from zoo.serve.app import create_app
    from zoo.serve.service import Service
    from zoo.serve.settings import Settings

    models = (str(request.getfixturevalue("tiny")), "gray", "levin")
    service = Service(Settings(tmp_path_factory.mktemp("served"), models))
    listening = addresses.bind("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(create_app(service), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield addresses.address_of(listening)
    service.changes.end()
    server.should_exit = True
    thread.join()
    listening.close()


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Two photos of different formats and sizes."""
    folder = tmp_path_factory.mktemp("photos")
    coffee = Image.fromarray(skimage.data.coffee()).resize((240, 160))
    cat = Image.fromarray(skimage.data.chelsea()).resize((150, 100))
    coffee.save(folder / "coffee.jpg", quality=95)
    cat.save(folder / "cat.png")
    return [folder / "coffee.jpg", folder / "cat.png"]


class Visit:
    """The page, opened in a context of its own, and the jobs that it has asked for."""

    def __init__(self, driver, page):
        self.expect, self.page, self.jobs, self.failures = driver.expect, page, [], []
        page.on("request", self.note)
        page.on("pageerror", lambda error: self.failures.append(str(error)))
        page.on("console", lambda message: self.failures.append(message.text))

    def note(self, request):
        if request.method == "POST" and request.url.endswith("/jobs"):
            self.jobs.append(json.loads(request.post_data))

    @property
    def previews(self):
        """The jobs of the photo as it is shown, without the models' small pictures."""
        return [job for job in self.jobs if job["side"] == 1024]

    def color(self, *files):
        """Upload photos and wait until the first is in color and nothing is in the queue."""
        self.page.get_by_label("Choose photos").set_input_files(list(files))
        self.expect(self.page.locator(".after")).to_be_visible(timeout=20_000)
        self.wait(len(files))

    def wait(self, count=1):
        ready = self.page.locator("#queue li:has-text('Ready')")
        self.expect(ready).to_have_count(count, timeout=20_000)

    def recolored(self, change):
        """The job that a change asks for, once its answer is shown."""
        before = len(self.previews)
        shown = self.page.locator(".after").get_attribute("src")
        change()
        self.expect(self.page.locator(".after")).not_to_have_attribute("src", shown, timeout=20_000)
        self.wait(self.page.locator("#queue li").count())
        assert len(self.previews) == before + 1
        return self.previews[-1]

    def saved(self, folder, name):
        """The file that a button of this name downloads, in a folder."""
        with self.page.expect_download() as download:
            self.page.get_by_role("button", name=name).click()
        path = folder / download.value.suggested_filename
        download.value.save_as(path)
        return path

    def until(self, expression):
        """Wait until something is so in the page, which may not evaluate strings itself."""
        for _ in range(200):
            if self.page.evaluate(expression):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(expression)

    @property
    def marks(self):
        return self.page.locator("#marks .mark")

    def box(self):
        self.page.locator("#stage").scroll_into_view_if_needed()
        return self.page.locator("#stage").bounding_box()

    def spot(self, x, y):
        box = self.box()
        return box["x"] + x * box["width"], box["y"] + y * box["height"]


@pytest.fixture
def visit(driver, chromium, address):
    """Open the page; at the end no other host was asked and no script has failed."""
    visits, hosts = [], set()

    def open_page(settings=WIDE, **more):
        context = chromium.new_context(**settings, **more)
        context.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
        visits.append(Visit(driver, context.new_page()))
        visits[-1].page.goto(address)
        driver.expect(visits[-1].page.locator("#models label")).to_have_count(3)
        return visits[-1]

    yield open_page
    for one in visits:
        assert one.failures == []
        one.page.context.close()
    # Pictures that were chosen here have addresses without a host.
    assert hosts <= {urlsplit(address).netloc, ""}


def test_a_photo_is_shown_in_color_beside_gray(visit, photos):
    seen = visit()
    seen.color(photos[0])
    assert seen.previews == [{"model": "tiny", "options": {}, "hints": None, "side": 1024}]
    page, slider = seen.page, seen.page.get_by_role("slider", name="How much of the photo")
    page.locator(".divider").evaluate("divider => { divider.style.visibility = 'hidden'; }")

    def chroma():
        page.locator("#stage").scroll_into_view_if_needed()
        shot = Image.open(io.BytesIO(page.locator("#stage").screenshot())).convert("RGB")
        spread = np.ptp(np.asarray(shot).astype(int), axis=-1)
        width = spread.shape[1]
        return spread[:, 8 : width // 2 - 8].mean(), spread[:, width // 2 + 8 : -8].mean()

    left, right = chroma()
    assert left < 2 < right
    slider.focus()
    page.keyboard.press("End")
    assert max(chroma()) < 2
    page.keyboard.press("Home")
    assert min(chroma()) > 2
    page.mouse.click(*seen.spot(0.3, 0.5))
    assert float(slider.input_value()) == pytest.approx(30, abs=1)


def test_models_have_small_pictures_and_their_own_options(visit, photos):
    seen = visit()
    seen.color(photos[0])
    page = seen.page
    seen.expect(page.locator(".sample img:visible")).to_have_count(3)
    names = page.locator("#options label").all_inner_texts()
    assert "Temperature" in names
    assert "Render factor" in names
    job = seen.recolored(lambda: page.get_by_role("radio", name="levin").check())
    assert job["model"] == "levin"
    assert "Temperature" not in page.locator("#options label").all_inner_texts()


def test_quick_changes_of_an_option_are_one_job(visit, photos):
    seen = visit()
    seen.color(photos[0])
    slider = seen.page.get_by_role("slider", name="Temperature")

    def change():
        slider.focus()
        for _ in range(6):
            seen.page.keyboard.press("ArrowRight")

    job = seen.recolored(change)
    assert job["options"] == {"temperature": float(slider.input_value())}
    number = seen.page.get_by_role("spinbutton", name="Temperature")
    assert number.input_value() == slider.input_value()
    reset = seen.page.get_by_role("button", name="Reset")
    assert seen.recolored(reset.click)["options"] == {}


def test_an_older_answer_never_replaces_a_newer_one(visit, photos):
    seen = visit(service_workers="block")  # what goes through one is not seen by routes
    seen.color(photos[0])
    page, held = seen.page, []
    seen.expect(page.locator(".sample img:visible")).to_have_count(3)
    page.route("**/result", lambda route: held.append((route, route.fetch())), times=1)
    number = page.get_by_role("spinbutton", name="Temperature")
    number.fill("0.9")
    number.press("Tab")
    for _ in range(100):
        if held:
            break
        page.wait_for_timeout(100)
    seen.recolored(lambda: number.fill("0.2") or number.press("Tab"))
    newest = page.locator(".after").get_attribute("src")
    ((route, answer),) = held
    route.fulfill(response=answer)
    page.wait_for_timeout(300)
    assert page.locator(".after").get_attribute("src") == newest
    assert seen.previews[-1]["options"] == {"temperature": 0.2}
    seen.failures = [text for text in seen.failures if "Service Worker" not in text]


def test_a_tapped_point_takes_a_suggested_color(visit, photos):
    seen = visit()
    seen.color(photos[0])
    page = seen.page
    page.get_by_role("radio", name="Color a point").check()
    point = seen.recolored(lambda: page.mouse.click(*seen.spot(0.25, 0.75)))["hints"]["points"][0]
    assert (point["x"], point["y"]) == (pytest.approx(60, abs=1), pytest.approx(120, abs=1))
    suggestions = page.locator("#suggestions button")
    seen.expect(suggestions.first).to_be_visible()
    assert re.search(r"\d+ % likely", suggestions.first.get_attribute("aria-label"))
    hints = seen.recolored(suggestions.last.click)["hints"]
    assert hints["size"] == [240, 160]
    zoo.Hints.from_json(hints)
    assert len(hints["points"]) == 1


def test_a_model_without_distributions_has_the_wheel_alone(visit, photos):
    seen = visit()
    seen.color(photos[0])
    page = seen.page
    # One change after the other: those that follow at once share a job.
    seen.recolored(page.get_by_role("radio", name="levin").check)
    seen.recolored(page.get_by_role("button", name="Add a point").click)
    seen.expect(page.locator("#wheel")).to_be_visible()
    hints = seen.recolored(lambda: page.locator("#wheel").click(position={"x": 78, "y": 68}))[
        "hints"
    ]
    assert hints["points"][0]["color"] != [0, 0]
    assert not page.locator("#suggested").is_visible()


def test_marks_by_keys_alone(visit, photos):
    seen = visit()
    seen.color(photos[0])
    page = seen.page
    add = page.get_by_role("button", name="Add a point")
    add.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").endswith("120, 80")
    size = int(page.locator("#size").input_value())
    for key in ("ArrowLeft", "Shift+ArrowDown", "+"):
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").endswith("119, 90")
    assert int(page.locator("#size").input_value()) == size + 1
    page.keyboard.press("Control+z")
    assert int(page.locator("#size").input_value()) == size
    page.keyboard.press("Control+Shift+z")
    assert int(page.locator("#size").input_value()) == size + 1
    page.get_by_role("slider", name="Hue").focus()
    page.keyboard.press("ArrowRight")
    seen.marks.focus()
    page.keyboard.press("Delete")
    seen.expect(seen.marks).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    seen.expect(seen.marks).to_have_count(1)
    add.click()
    seen.expect(seen.marks).to_have_count(2)
    seen.wait()
    assert not page.get_by_role("alert").is_visible()  # the second is beside the first
    page.get_by_role("button", name="Remove all").click()
    seen.expect(seen.marks).to_have_count(0)


def test_a_stroke_and_a_point_are_dragged(visit, photos):
    seen = visit()
    seen.color(photos[0])
    page = seen.page
    page.get_by_role("radio", name="Draw a stroke").check()

    def drag(*places):
        page.mouse.move(*seen.spot(*places[0]))
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*seen.spot(*place), steps=4)
        page.mouse.up()

    stroke = seen.recolored(lambda: drag((0.2, 0.2), (0.5, 0.3), (0.7, 0.2)))["hints"]["strokes"][0]
    assert stroke["vertices"][-1] == [pytest.approx(168, abs=2), pytest.approx(32, abs=2)]
    page.get_by_role("radio", name="Color a point").check()
    seen.recolored(lambda: page.mouse.click(*seen.spot(0.5, 0.7)))
    moved = seen.recolored(lambda: drag((0.5, 0.7), (0.6, 0.8)))["hints"]["points"][0]
    assert (moved["x"], moved["y"]) == (pytest.approx(144, abs=1), pytest.approx(128, abs=1))
    handle = page.locator("#marks .handle").bounding_box()
    page.mouse.move(handle["x"] + 7, handle["y"] + 7)
    page.mouse.down()
    page.mouse.move(handle["x"] + 37, handle["y"] + 37, steps=3)
    larger = seen.recolored(page.mouse.up)["hints"]["points"][0]
    assert larger["radius"] > moved["radius"]
    page.get_by_role("button", name="Undo").click()
    assert int(page.locator("#size").input_value()) == moved["radius"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fingers_on_a_narrow_screen(visit, photos, scheme):
    seen = visit(NARROW, color_scheme=scheme)
    page = seen.page
    assert page.get_by_text("Take a photo").is_visible()
    seen.color(*photos)
    touch = page.context.new_cdp_session(page)

    def finger(kind, *place):
        points = [{"x": place[0], "y": place[1]}] if place else []
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    finger("touchStart", *seen.spot(0.5, 0.5))
    for share in (0.4, 0.3, 0.2):
        finger("touchMove", *seen.spot(share, 0.5))
    finger("touchEnd")
    assert float(page.locator("#split").input_value()) == pytest.approx(20, abs=1)
    page.get_by_role("radio", name="Color a point").check()
    page.touchscreen.tap(*seen.spot(0.5, 0.5))
    seen.expect(seen.marks).to_have_count(1)
    seen.expect(page.locator("#suggestions button").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    small = page.evaluate(
        "[...document.querySelectorAll('button, .button')].filter(one => one.offsetWidth"
        " && Math.min(one.offsetWidth, one.offsetHeight) < 40).map(one => one.textContent)"
    )
    assert small == []  # all are large enough for a finger


def test_downloads_have_the_format_and_size_of_the_photo(visit, photos, tmp_path):
    seen = visit()
    seen.color(*photos)
    page = seen.page
    seen.recolored(page.get_by_role("button", name="Add a point").click)

    saved = partial(seen.saved, tmp_path)
    photo = saved(re.compile("^Download$"))
    assert photo.name == "coffee.jpg"
    assert (Image.open(photo).format, Image.open(photo).size) == ("JPEG", (240, 160))
    hints = saved("Save hints")
    assert hints.name == "coffee-hints.json"
    assert len(zoo.Hints.from_json(json.loads(hints.read_text())).points) == 1
    with zipfile.ZipFile(saved("Download all as ZIP")) as packed:
        assert sorted(packed.namelist()) == ["cat.png", "coffee-hints.json", "coffee.jpg"]
        assert Image.open(io.BytesIO(packed.read("cat.png"))).size == (150, 100)
    page.get_by_role("button", name="Remove all").click()
    page.get_by_label("Open a hints file").set_input_files(hints)
    seen.expect(seen.marks).to_have_count(1)


def film_of(suffix, codec="libx264", count=7):
    """So few frames that no graph is made for them."""
    unit = Fraction(1, 25) if codec == "mpeg4" else Fraction(1, 1000)
    shown = moving(count, 48, 64)
    return film_bytes(shown, suffix, codec=codec, pixels="yuv420p", unit=unit, sound=True)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("films") / "waves.mp4"
    path.write_bytes(film_of(".mp4"))
    return path


FILMS = "[...document.querySelectorAll('video')]"


def test_a_film_is_previewed_colored_played_and_downloaded(visit, film, photos, tmp_path):
    seen = visit()
    seen.color(film, photos[1])
    page = seen.page
    assert seen.previews[0] == {"model": "tiny", "options": {}, "hints": None, "side": 1024}
    for text in ("Color a point", "Your colors", "It lends"):
        seen.expect(page.get_by_text(text, exact=True)).to_be_hidden()
    page.get_by_label("Against flicker").select_option("past")
    seen.expect(page.get_by_label("Ahead")).to_be_hidden()
    button = page.get_by_role("button", name="Color the film")
    button.focus()
    page.keyboard.press("Enter")
    play = page.get_by_role("button", name="Play", exact=True)
    seen.expect(play).to_be_visible(timeout=20_000)
    steady = {"smoothing": "past", "look_ahead": 0}
    assert [job["film"] for job in seen.jobs if not job.get("side")] == [steady]
    assert page.evaluate("document.activeElement.id") == "download"
    play.click()
    seen.until(f"{FILMS}[1].ended")
    times = page.evaluate(f"{FILMS}.map(film => film.currentTime)")
    assert times[0] == pytest.approx(times[1], abs=0.1)
    page.get_by_role("slider", name="Place in the film").fill("500")
    seen.until(f"{FILMS}.every(film => Math.abs(film.currentTime - 0.14) < 0.04)")
    assert page.evaluate(f"getComputedStyle({FILMS}[0]).filter") == "grayscale(1)"

    saved = partial(seen.saved, tmp_path)
    colored = saved(re.compile("^Download$"))
    assert colored.name == "waves.mp4"
    assert read_film(colored)[0].shape == (7, 48, 64, 3)
    with zipfile.ZipFile(saved("Download all as ZIP")) as packed:
        assert sorted(packed.namelist()) == ["cat.png", "waves.mp4"]
        assert packed.read("waves.mp4") == colored.read_bytes()  # colored once
    seen.recolored(lambda: page.get_by_role("radio", name="levin").check())
    seen.expect(play).to_be_hidden()
    seen.expect(page.get_by_text("colored with other settings")).to_be_visible()
    page.locator("#queue button", has_text="cat.png").click()
    seen.expect(page.get_by_text("Color a point", exact=True)).to_be_visible()
    seen.expect(button).to_be_hidden()


def test_settings_that_an_earlier_version_has_kept_serve_for_films(visit, film, photos):
    seen = visit()
    seen.color(photos[1])
    seen.page.evaluate("""() => {
      const known = JSON.parse(localStorage["zoo-photos"]);
      for (const { settings } of known) delete settings.film;
      localStorage["zoo-photos"] = JSON.stringify(known);
    }""")
    seen.page.reload()
    seen.wait()
    seen.page.get_by_label("Choose photos").set_input_files(film)
    seen.wait(2)
    seen.page.locator("#queue button", has_text="waves.mp4").click()
    seen.expect(seen.page.get_by_label("Against flicker")).to_have_value("motion")


def test_a_film_s_progress_outlives_a_reload_and_can_be_stopped(visit, film, monkeypatch):
    watch, go = serving.FilmRun.__call__, threading.Event()

    def held(run, done, frames):
        watch(run, done, frames)
        if frames:
            run._changed()
            assert go.wait(20)

    monkeypatch.setattr(serving.FilmRun, "__call__", held)
    monkeypatch.setattr("zoo.inference.films.plan.LONGEST_PART", 3)
    try:
        seen = visit(NARROW)
        seen.color(film)
        page = seen.page
        page.get_by_role("button", name="Color the film").click()
        for _ in range(2):
            state = page.locator("#film-state")
            seen.expect(state).to_contain_text("3 of 7 frames", timeout=20_000)
            seen.expect(page.locator("#queue")).to_contain_text("3 of 7 frames")
            assert page.locator("#film-progress").evaluate("one => one.value / one.max") == 3 / 7
            assert page.evaluate("document.documentElement.scrollWidth") == 360
            page.reload()
            seen.expect(page.locator("#models label")).to_have_count(3)
        page.get_by_role("button", name="Stop").click()
        seen.expect(page.get_by_role("button", name="Color the film")).to_be_visible()
        assert page.evaluate("document.activeElement.id") == "color-film"
    finally:
        go.set()
    seen.wait()
    page.get_by_role("button", name="Color the film").click()
    seen.expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible(timeout=20_000)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    seen.wait()
    page.reload()
    seen.expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible(timeout=20_000)
    assert len([job for job in seen.jobs if not job.get("side")]) == 2


def test_what_the_browser_cannot_play_is_told(visit, tmp_path):
    (tmp_path / "old.avi").write_bytes(film_of(".avi", "mpeg4"))
    seen = visit(service_workers="block")
    seen.color(tmp_path / "old.avi")
    page = seen.page
    page.get_by_role("radio", name="gray").check()
    page.get_by_role("button", name="Color the film").click()
    seen.expect(page.get_by_text("cannot play the original")).to_be_visible(timeout=20_000)
    seen.until(f"{FILMS}.every(film => !film.hidden && film.src === {FILMS}[1].src)")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the original").click()
    assert Path(download.value.path()).read_bytes() == (tmp_path / "old.avi").read_bytes()
    colored = page.evaluate(f"{FILMS}[1].src")
    page.route(colored, lambda route: route.fulfill(body=b"no film", content_type="video/mp4"))
    page.reload()
    seen.expect(page.get_by_text("cannot play the film in color")).to_be_visible(timeout=20_000)
    assert page.locator("video:visible").count() == 0
    assert page.locator(".before").is_visible()
    seen.failures = [text for text in seen.failures if "Service Worker" not in text]


def test_a_second_drop_lends_its_colors(visit, photos):
    seen = visit()
    page = seen.page
    drop = """([zone, name, kind, bytes]) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(bytes)], name, { type: kind }));
      const event = { bubbles: true, cancelable: true, dataTransfer: data };
      document.querySelector(zone).dispatchEvent(new DragEvent("drop", event));
    }"""
    page.evaluate(drop, ["#drop", "coffee.jpg", "image/jpeg", list(photos[0].read_bytes())])
    seen.wait()
    file = ["#reference-drop", "cat.png", "image/png", list(photos[1].read_bytes())]
    job = seen.recolored(lambda: page.evaluate(drop, file))
    assert job["reference"]
    assert job["transfer"] == "match"
    choose = page.get_by_label("It lends")
    assert seen.recolored(lambda: choose.select_option("reinhard"))["transfer"] == "reinhard"
    assert page.locator("#queue li").count() == 1
    assert "reference" not in seen.recolored(page.locator("#reference-remove").click)


def test_the_server_s_sentence_is_shown(visit, photos, tmp_path):
    wrong = tmp_path / "wrong.jpg"
    wrong.write_text("no photo")
    seen = visit()
    seen.page.get_by_label("Choose photos").set_input_files([wrong, photos[0]])
    seen.wait()
    alert = seen.page.get_by_role("alert")
    seen.expect(alert).to_contain_text("photo")
    assert alert.locator("p").inner_text() == seen.page.locator(".failed .soft").inner_text()
    seen.page.get_by_role("button", name="Remove wrong.jpg").click()
    seen.page.get_by_role("button", name="Close the message").click()
    assert not alert.is_visible()
    # The browser itself notes the refusal.
    seen.failures = [text for text in seen.failures if "415" not in text]


def test_a_reload_keeps_photos_and_hints_and_a_removal_is_one(visit, photos):
    seen = visit()
    seen.color(photos[0])
    page = seen.page
    seen.recolored(page.get_by_role("button", name="Add a point").click)
    page.reload()
    seen.wait()
    seen.expect(page.locator("#mark-list li")).to_have_count(1)
    # Whatever still ran would be told that the photo is gone, which the browser notes.
    seen.expect(page.locator(".sample img:visible")).to_have_count(3, timeout=20_000)
    page.get_by_role("button", name="Remove coffee.jpg").click()
    seen.expect(page.locator("#photo")).not_to_be_visible()
    page.reload()
    seen.expect(page.locator("#models label")).to_have_count(3)
    assert page.locator("#queue li").count() == 0


def test_the_shell_works_offline(visit):
    seen = visit()
    page = seen.page
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    kept = page.evaluate(
        "caches.open('zoo-shell').then(kept => kept.keys())"
        ".then(all => all.map(one => new URL(one.url).pathname))"
    )
    assert {Path(path).name for path in kept} == {*FILES, ""} - {"index.html", *WORKER}
    page.reload()
    page.context.set_offline(True)
    page.reload()
    assert page.get_by_role("button", name="Close the message").is_visible()
    seen.expect(page.get_by_role("alert")).to_contain_text("cannot be reached")
    page.context.set_offline(False)
    seen.failures = [text for text in seen.failures if "DISCONNECTED" not in text]


def test_without_accounts_nothing_is_seen_of_them(visit):
    page = visit().page
    assert not page.get_by_role("navigation", name="Account", include_hidden=False).count()
    assert not page.get_by_role("button", name=re.compile("[Ll]og|[Ss]ign|[Tt]oken")).count()
    assert not page.locator("input[type=password]:visible").count()
    assert page.evaluate("Object.keys(localStorage).filter(key => key !== 'zoo-photos')") == []
