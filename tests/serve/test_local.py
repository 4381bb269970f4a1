"""The page whose model runs in the browser: its mathematics, as a static folder, and at `/local`.

The browser is the system's Chromium; see `conftest.py`.
"""

import functools
import http.server
import io
import json
import shutil
import threading
from contextlib import contextmanager
from urllib.parse import urlsplit

import numpy as np
import pytest
import skimage
from PIL import Image
from served import make_photo

import zoo
from zoo import conformance
from zoo.export.web.site import ABOUT, NETWORK, ready_files
from zoo.files import write_json
from zoo.fullsize import FullSize
from zoo.metrics import Pair
from zoo.preprocessing import working_size

onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra onnx")
pytest.importorskip("tf2onnx", reason="needs the extra onnx")
pytest.importorskip("uvicorn", reason="needs the extra serve")

SUB_PATH = "somewhere/below"


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A host of files that says nothing of each request."""

    def log_message(self, *_words):
        pass


@pytest.fixture(scope="module")
def model():
    """A small classifier with bold colors, which has a temperature."""
    return conformance.shaken(zoo.create_model("zhang:tiny"))


@pytest.fixture(scope="module")
def static(model, tmp_path_factory):
    """The page of that model with float32 weights, below a path of a plain web host."""
    from zoo.export import onnx
    from zoo.export.graph import Graph
    from zoo.export.plan import make_plan
    from zoo.export.web.site import page_files
    from zoo.export.webpage import describe

    plan = make_plan(model, ("web",), "float32", None, None, {"render_factor": 2})
    root = tmp_path_factory.mktemp("host")
    folder = root / SUB_PATH
    folder.mkdir(parents=True)
    onnx.write_network(Graph(model, plan.options), folder / NETWORK, "float32")
    for name, source in page_files().items():
        shutil.copyfile(source, folder / name)
    write_json(folder / ABOUT, describe(model, plan, folder / NETWORK))
    handler = functools.partial(Quiet, directory=root)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/{SUB_PATH}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A server's address, with a model that costs nothing."""
    import uvicorn

    from zoo.serve.app import create_app
    from zoo.serve.http.addresses import address_of, bind
    from zoo.serve.service import Service
    from zoo.serve.settings import Settings

    service = Service(Settings(tmp_path_factory.mktemp("served"), ("gray",)))
    listening = bind("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(create_app(service), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"{address_of(listening)}/"
    service.changes.end()
    server.should_exit = True
    thread.join()
    listening.close()


class Visit:
    """The page, opened in a context of its own, once its model is ready."""

    def __init__(self, driver, context):
        self.expect, self.context, self.page = driver.expect, context, context.new_page()
        self.hosts, self.failures = set(), []
        context.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        self.page.on("pageerror", lambda error: self.failures.append(str(error)))
        self.page.on("console", lambda message: self.failures.append(message.text))

    def open(self, address):
        self.page.goto(address)
        self.ready()

    def ready(self):
        self.expect(self.page.locator("#drop")).to_be_visible(timeout=30_000)

    def choose(self, data, name="photo.png"):
        file = {"name": name, "mimeType": f"image/{name.rpartition('.')[2]}", "buffer": data}
        self.page.locator("#pick").set_input_files([file])

    def color(self, data, name="photo.png"):
        self.choose(data, name)
        title = self.page.locator("#photo-title")
        self.expect(title).to_have_text(name)
        self.wait()

    def wait(self):
        self.expect(self.page.locator("#status")).to_contain_text("is in color", timeout=30_000)

    def saved(self):
        with self.page.expect_download() as download:
            self.page.get_by_role("button", name="Download").click()
        with Image.open(download.value.path()) as image:
            return download.value.suggested_filename, image.format, np.array(image)


@contextmanager
def visiting(driver, chromium, address):
    """A visit; at the end no script has failed, and no other host was asked."""
    context = chromium.new_context()
    try:
        seen = Visit(driver, context)
        seen.open(address)
        yield seen
        assert seen.failures == []
        # Pictures that were made here have addresses without a host.
        assert seen.hosts <= {urlsplit(address).netloc, ""}
    finally:
        context.close()


@pytest.fixture(scope="module")
def seen(driver, chromium, static):
    """One visit of all tests: to compile the runtime takes a second or two."""
    with visiting(driver, chromium, static) as one:
        yield one


# ---------------------------------------------------------------------- its mathematics


@pytest.fixture
def mathematics(driver, chromium, static):
    """Calls JavaScript with the module of colors as `color`."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{static}color.js")
    load = f"color = await import('{static}color.js')"

    def call(script, given):
        return page.evaluate(f"async given => {{ const {load}; {script} }}", given)

    yield call
    context.close()


def test_working_sizes_are_those_of_the_zoo(mathematics):
    rng = np.random.default_rng(0)
    sizes = [*rng.integers(1, 3000, (300, 2)).tolist(), [1, 1], [1500, 20], [32, 33], [35, 32]]
    script = "return given.map(([h, w, factor]) => color.workingSize(h, w, factor))"
    given = [[*size, factor] for size in sizes for factor in (1, 2, 8, 11)]
    assert mathematics(script, given) == [list(working_size(*one)) for one in given]


@pytest.mark.parametrize("size", [(97, 151), (1, 1), (3, 200), (40, 20)])
def test_lightness_and_chroma_are_those_of_the_zoo(mathematics, size):
    """Shrunk and enlarged, with chroma far beyond the gamut, to a rounding of a level."""
    rng = np.random.default_rng(1)
    rgb = conformance.random_photo(*size)
    small = working_size(*size, 2)
    ab = rng.normal(0, 60, (*small, 2)).astype("float32")
    ab[: small[0] // 2] = 0  # stays exactly gray
    rgba = np.dstack([rgb, np.full(size, 255, np.uint8)])
    script = """
      const { rgba, height, width, small, ab } = given;
      const pixels = new Uint8ClampedArray(rgba);
      const half = 4 * width * Math.floor(height / 2); // two stripes
      const stripes = [[pixels.subarray(0, half), 0], [pixels.subarray(half), half / 4 / width]];
      const shrinker = new color.Shrinker(height, width, small);
      for (const [stripe, start] of stripes) shrinker.take(stripe, start);
      const merger = new color.Merger(height, width, new Float32Array(ab), small);
      const lightness = [...shrinker.finish()];
      for (const [stripe, start] of stripes) merger.color(stripe, start);
      return { lightness, colored: [...pixels] };
    """
    given = {"rgba": rgba.ravel().tolist(), "height": size[0], "width": size[1]}
    found = mathematics(script, given | {"small": list(small), "ab": ab.ravel().tolist()})
    whole = FullSize(rgb[None])
    lightness = np.reshape(found["lightness"], small)
    assert np.abs(lightness - whole.working_lightness(small)[0, ..., 0]).max() < 0.01
    colored = np.reshape(found["colored"], (*size, 4))[..., :3].astype(np.uint8)
    expected = whole.merge(ab[None])[0]
    off = np.abs(colored.astype(int) - expected)
    assert off.max() <= 1
    assert off.mean() < 0.01
    assert np.ptp(expected.astype(int), axis=-1).max() > 20 or size == (1, 1)


# ---------------------------------------------------------------------- from photo to photo


def png(rgb):
    made = io.BytesIO()
    Image.fromarray(rgb).save(made, "PNG")
    return made.getvalue()


def test_colors_are_those_of_the_model(seen, model):
    """At full size, with another temperature, too, and larger than a stripe."""
    photo = np.asarray(Image.fromarray(skimage.data.coffee()).resize((1291, 877)))
    seen.color(png(photo), "coffee.png")
    name, kind, found = seen.saved()
    assert (name, kind) == ("coffee.png", "PNG")
    expected = model.colorize(photo, render_factor=2)
    assert np.abs(found[..., :3].astype(int) - expected).max() <= 1
    # A level counts most in dark pixels.
    assert Pair(expected[::3, ::3], found[::3, ::3, :3]).ciede2000.max() < 1.5
    seen.page.get_by_role("spinbutton", name="Temperature").fill("0.05")
    seen.page.keyboard.press("Tab")
    seen.expect(seen.page.locator("#status")).to_contain_text("coloring")
    seen.wait()
    vivid = model.colorize(photo, render_factor=2, temperature=0.05)
    assert np.abs(seen.saved()[2][..., :3].astype(int) - vivid).max() <= 1
    assert np.abs(vivid.astype(int) - expected).max() > 20
    seen.page.get_by_role("button", name="Reset").click()
    seen.expect(seen.page.get_by_role("spinbutton")).to_have_value("0.38")
    seen.wait()


def test_a_turned_jpeg_is_upright_and_stays_a_jpeg(seen):
    exif = Image.Exif()
    exif[0x0112] = 6
    seen.color(make_photo((60, 40), "JPEG", exif=exif, quality=95), "turned.jpeg")
    name, kind, found = seen.saved()
    assert (name, kind, found.shape) == ("turned.jpg", "JPEG", (60, 40, 3))


def test_opacity_is_kept(seen):
    photo = np.dstack([conformance.random_photo(20, 30), np.full((20, 30), 255, np.uint8)])
    photo[:10, :, 3] = 0
    seen.color(png(photo))
    assert (seen.saved()[2][..., 3] == photo[..., 3]).all()


def test_what_cannot_be_colored_is_said(seen):
    long = io.BytesIO()
    Image.new("L", (20_000, 2)).save(long, "PNG")
    alert = seen.page.get_by_role("alert")
    seen.choose(b"no photo", "wrong.png")
    seen.expect(alert).to_contain_text("wrong.png cannot be read: it is no photo")
    seen.choose(long.getvalue(), "long.png")
    seen.expect(alert).to_contain_text("long.png has 20000 x 2 px, and at most")
    seen.color(make_photo(), "fine.png")
    assert not alert.is_visible()


def test_a_browser_without_webassembly_is_told(chromium, driver, static):
    context = chromium.new_context()
    context.add_init_script("delete globalThis.WebAssembly")
    page = context.new_page()
    page.goto(static)
    driver.expect(page.get_by_role("alert")).to_contain_text("no WebAssembly")
    context.close()


def test_a_narrow_page_shows_all_of_it(seen):
    page = seen.page
    wide = page.viewport_size
    page.set_viewport_size({"width": 360, "height": 740})
    page.emulate_media(color_scheme="dark")
    seen.color(make_photo((300, 200)), "narrow.png")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    small = page.evaluate(
        "[...document.querySelectorAll('button, .button')].filter(one => one.offsetWidth"
        " && Math.min(one.offsetWidth, one.offsetHeight) < 40).map(one => one.textContent)"
    )
    assert small == []
    slider = page.get_by_role("slider", name="How much of the photo")
    slider.focus()
    page.keyboard.press("End")
    assert slider.input_value() == "100"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 26)"
    page.set_viewport_size(wide)


def test_it_works_without_a_network_once_it_was_there(seen):
    page = seen.page
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    seen.context.set_offline(True)
    page.reload()
    seen.ready()
    seen.color(make_photo(), "offline.png")
    seen.context.set_offline(False)
    kept = page.evaluate(
        "caches.keys().then(([name]) => caches.open(name)).then(kept => kept.keys())"
        ".then(all => all.map(one => new URL(one.url).pathname))"
    )
    names = [path.rpartition("/")[2] for path in kept]
    assert len(names) == len(set(names))
    assert {"", NETWORK, "ort-wasm-simd-threaded.wasm.gz"} <= set(names)
    # The browser itself notes what it could not renew.
    seen.failures = [text for text in seen.failures if "DISCONNECTED" not in text]


# ---------------------------------------------------------------------- at /local


def test_the_server_has_it_ready(driver, chromium, served):
    """From its page and back, isolated, with the colors of the model that comes along."""
    photo = skimage.data.coffee()[::2, ::2]
    with visiting(driver, chromium, f"{served}local/") as seen:
        page = seen.page
        assert page.evaluate("crossOriginIsolated")
        seen.color(png(photo))
        found = seen.saved()[2][..., :3]
        page.get_by_role("link", name="More models").click()
        seen.expect(page.locator("#models label")).to_have_count(1)
        page.get_by_role("link", name="without upload").click()
        seen.expect(page.locator("#about")).to_contain_text("mse_regression")
        assert urlsplit(page.url).path == "/local/"
    about = json.loads(ready_files()[ABOUT].read_text("utf-8"))
    network = str(ready_files()[NETWORK])
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    whole = FullSize(photo[None])
    size = working_size(*photo.shape[:2], about["render_factor"])
    (ab,) = session.run(None, {"lightness": whole.working_lightness(size)})
    expected = whole.merge(ab)[0]
    assert np.abs(found.astype(int) - expected).max() <= 1
    assert np.ptp(expected.astype(int), axis=-1).mean() > 5


def test_webassembly_is_for_this_page_alone(server):
    page, local = (server.client.get(path) for path in ("/", "/local/"))
    assert "wasm-unsafe-eval" not in page.headers["Content-Security-Policy"]
    assert "script-src 'self' 'wasm-unsafe-eval'" in local.headers["Content-Security-Policy"]
    assert "default-src 'self'" in local.headers["Content-Security-Policy"]
    assert local.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert local.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert server.client.get("/local").url.path == "/local/"
    for name, source in ready_files().items():
        assert server.client.get(f"/local/{name}").content == source.read_bytes()
    for wrong in ("main.js", "../app.py", "..%2fapp.py", "page/index.html", ""):
        answer = server.client.get(f"/local/x/{wrong}")
        assert answer.status_code == 404
