"""The report in a browser: two pictures over each other, by mouse, touch and keyboard.

The browser is the system's Chromium, driven by Playwright; without either these tests skip.
"""

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.report.leaderboard import load_results

playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright")

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="needs Chromium")

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
ARGUMENTS += ["--disable-background-networking", "--disable-component-update"]

WIDE = {"viewport": {"width": 1280, "height": 800}}
NARROW = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=PROGRAM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def report(finished, tmp_path_factory):
    """The report where no other file is beside it."""
    return shutil.copy(finished / "report.html", tmp_path_factory.mktemp("alone"))


@pytest.fixture
def visit(chromium, report):
    """Open the report; at the end nothing was asked of any host, and no script has failed."""
    contexts, asked, failures = [], [], []

    def open_page(settings, **more):
        contexts.append(chromium.new_context(**settings, **more))
        page = contexts[-1].new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.on("console", lambda message: failures.append(message.text))
        page.goto(Path(report).as_uri())
        return page

    yield open_page
    assert failures == []
    assert {url.partition(":")[0] for url in asked} <= {"file", "data"}
    assert sum(url.startswith("file:") for url in asked) == len(contexts)
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def stored(finished):
    """The shown photos in the page's order, each with its pictures by title."""
    results = load_results(finished)
    scores = np.array([result["report"]["scores"]["ciede2000"] for result in results])
    names = results[0]["report"]["photos"]
    files = {shown["photo"]: shown["file"] for shown in results[0]["pictures"]}
    folders = {"truth": "truth"} | {
        f"{one['cell']['model']}:{one['cell']['preset']}": one["key"] for one in results
    }
    order = [names[number] for number in np.argsort(-scores.std(axis=0))]
    return {
        name: {
            title: np.asarray(Image.open(finished / "pictures" / folder / files[name]))
            for title, folder in folders.items()
        }
        for name in order
    }


def place(page):
    """How far the slider stands from the left, in percent."""
    return float(page.locator("input[type=range]").input_value())


def sides(page):
    """The titles of the pictures that are on the left and on the right."""
    names = [page.locator(f".{side}").inner_text() for side in ("name-left", "name-right")]
    return [name.rpartition(" ")[0] if name[-1].isdigit() else name for name in names]


def seen(page, size):
    """What is on the screen where the pictures lie over each other, without the divider."""
    page.add_style_tag(content=".divider { visibility: hidden }")
    image = Image.open(io.BytesIO(page.locator(".stage").screenshot())).convert("RGB")
    return np.asarray(image.resize(size, Image.Resampling.BOX)).astype(int)


def test_each_side_shows_its_picture(visit, stored):
    page = visit(WIDE)
    (name, pictures), *_ = stored.items()
    page.get_by_role("combobox", name="Size of the picture").select_option("4")
    page.get_by_role("combobox", name="Left picture").select_option(label="mse_regression:tiny")
    page.get_by_role("combobox", name="Right picture").select_option(label="truth")
    page.locator(".stage").scroll_into_view_if_needed()
    box = page.locator(".stage").bounding_box()
    height, width, _ = pictures["truth"].shape
    assert (box["width"], box["height"]) == (4 * width, 4 * height)
    page.mouse.click(box["x"] + 0.25 * box["width"], box["y"] + 5)
    assert place(page) == 25
    found, border = seen(page, (width, height)), width // 4
    left, right = pictures["mse_regression:tiny"], pictures["truth"]
    assert np.abs(left.astype(int) - right).mean() > 12  # there is something to tell apart
    # JPEG is lossy, but not between one picture and another.
    assert np.abs(found - left)[:, : border - 1].mean() < 4
    assert np.abs(found - right)[:, border + 1 :].mean() < 4
    page.get_by_role("combobox", name="Left picture").select_option(label="input (gray)")
    gray = seen(page, (width, height))[1:-1, : border - 1]
    assert np.ptp(gray, axis=-1).max() <= 2
    assert f"Photo 1 of {len(stored)}: {name}" == page.locator(".browser output").inner_text()


def test_the_mouse_drags_and_holds(visit):
    page = visit(WIDE)
    page.locator(".frame").scroll_into_view_if_needed()
    box = page.locator(".stage").bounding_box()
    page.mouse.move(box["x"] + 10, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 20, steps=4)
    assert place(page) == pytest.approx(80, abs=1)
    page.mouse.move(box["x"] + 2 * box["width"], box["y"] + 20)
    assert place(page) == 100
    page.mouse.up()
    page.mouse.move(box["x"] + 10, box["y"] + 10)
    assert place(page) == 100  # nothing is dragged any more
    left, right = sides(page)
    page.get_by_role("button", name="Hold to see the other").hover()
    page.mouse.down()
    assert sides(page) == [right, left]
    page.mouse.move(5, 5)
    page.mouse.up()  # beside the button, too
    assert sides(page) == [left, right]
    page.get_by_role("button", name="Swap left and right").click()
    assert sides(page) == [right, left]
    page.get_by_role("button", name="input (gray): show it on the right").click()
    assert sides(page) == [right, "input (gray)"]


def test_a_finger_drags_and_holds_on_a_narrow_screen(visit):
    page = visit(NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.locator(".frame").scroll_into_view_if_needed()
    touch = page.context.new_cdp_session(page)

    def finger(kind, x=0, y=0):
        points = [] if kind == "touchEnd" else [{"x": x, "y": y}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    box = page.locator(".stage").bounding_box()
    assert box["width"] > 300
    middle = box["y"] + box["height"] / 2
    finger("touchStart", box["x"] + 0.5 * box["width"], middle)
    for share in (0.4, 0.3, 0.2):
        finger("touchMove", box["x"] + share * box["width"], middle)
    finger("touchEnd")
    assert place(page) == pytest.approx(20, abs=1)
    left, right = sides(page)
    hold = page.get_by_role("button", name="Hold to see the other")
    hold.scroll_into_view_if_needed()
    box = hold.bounding_box()
    assert box["height"] >= 40  # large enough for a finger
    finger("touchStart", box["x"] + 20, box["y"] + 10)
    assert sides(page) == [right, left]
    finger("touchEnd")
    assert sides(page) == [left, right]


@pytest.mark.parametrize("settings", [WIDE, NARROW])
def test_keys_do_it_all(visit, stored, settings):
    page = visit(settings)
    names = list(stored)
    page.locator(".browser output").scroll_into_view_if_needed()
    shown = page.locator(".photo:visible h3")
    for key, number in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowRight", 0), ("ArrowLeft", -1)):
        page.keyboard.press(key)
        assert shown.inner_text() == names[number]
    slider = page.get_by_role("slider")
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert place(page) == 51
    page.keyboard.press("Home")
    assert place(page) == 0
    assert shown.inner_text() == names[-1]  # the keys of the slider change no photo
    page.keyboard.press("1")
    page.keyboard.press("Shift+Digit2")
    assert sides(page) == ["truth", "input (gray)"]
    value = slider.get_attribute("aria-valuetext")
    assert value == "0 % truth, 100 % input (gray)"
    page.keyboard.down("h")
    assert sides(page) == ["input (gray)", "truth"]
    page.keyboard.up("h")
    assert sides(page) == ["truth", "input (gray)"]
    # From the slider on by Tab, with a focus that can be seen, and held by the space bar.
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Hold to see the other"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.down(" ")
    assert sides(page) == ["input (gray)", "truth"]
    page.keyboard.up(" ")
    assert sides(page) == ["truth", "input (gray)"]


def test_an_enlarged_picture_scrolls_and_keeps_its_pixels(visit, stored):
    page = visit(NARROW)
    width = next(iter(stored.values()))["truth"].shape[1]
    for size in ("1", "2", "4"):
        page.get_by_role("combobox", name="Size of the picture").select_option(size)
        assert page.locator(".stage").bounding_box()["width"] == width * int(size)
    assert page.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("settings", [WIDE, NARROW])
def test_without_a_script_the_switch_works_and_all_photos_are_there(visit, stored, settings):
    page = visit(settings, java_script_enabled=False)
    heading = page.get_by_role("columnheader", name="PSNR", exact=False).first
    assert not heading.is_visible()
    page.get_by_label("All columns").check()
    assert heading.is_visible()
    assert not page.locator(".compare").is_visible()
    assert page.locator(".photo:visible").count() == len(stored)
