"""The page for several people: who comes in and goes, tokens, and what the next one sees."""

import json
import re
import threading
import urllib.error
import urllib.request

import pytest
import uvicorn
from served import PASSWORD, WEAK, make_photo

from zoo.serve.accounts import passwords
from zoo.serve.accounts.forms import PASSWORD_LENGTHS
from zoo.serve.app import PAGE, create_app
from zoo.serve.http.addresses import address_of, bind
from zoo.serve.service import Service
from zoo.serve.settings import Limits, Settings

WIDE = {"viewport": {"width": 1280, "height": 900}}
NARROW = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
#: What the browser itself notes of refusals, and of what it has forgotten.
NOTED = re.compile("status of (401|403|404|409|422)|Clear-Site-Data|Service Worker")


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    limits = Limits(tries_of_address=1000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "PasswordHasher", WEAK)
        return Service(Settings(folder, ("gray",), accounts=True, limits=limits))


@pytest.fixture(scope="module")
def address(service):
    """Where a server with accounts listens."""
    server = uvicorn.Server(uvicorn.Config(create_app(service), log_level="warning"))
    with bind("127.0.0.1", 0) as listening:
        running = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        running.start()
        yield address_of(listening)
        service.changes.end()
        server.should_exit = True
        running.join(20)


@pytest.fixture
def photo(tmp_path):
    (tmp_path / "sea.png").write_bytes(make_photo((60, 40)))
    return tmp_path / "sea.png"


class Visit:
    """The page in a browser of its own."""

    def __init__(self, driver, page, address):
        self.expect, self.page, self.failures = driver.expect, page, []
        page.on("pageerror", lambda error: self.failures.append(str(error)))
        page.on("console", lambda message: self.failures.append(message.text))
        page.goto(address)
        self.expect(page.get_by_role("heading", name="Log in")).to_be_visible()

    def button(self, name):
        return self.page.get_by_role("button", name=name, exact=True)

    def field(self, form, name):
        return self.page.locator(f"#{form}-{name}")

    def sign_up(self, name, **changes):
        self.button("Sign up").click()
        self.fill("sign-up", name=name, email=f"{name}@example.org", **changes)
        self.expect(self.page.locator("#person-name")).to_have_text(name)

    def log_in(self, name):
        self.fill("log-in", email=f"{name}@example.org", confirmation=None)
        self.expect(self.page.locator("#person-name")).to_have_text(name)

    def fill(self, form, password=PASSWORD, confirmation=PASSWORD, **fields):
        values = {**fields, "password": password, "confirmation": confirmation}
        for field, value in values.items():
            if value is not None:
                self.field(form, field).fill(value)
        self.page.locator(f"#{form}-form button").click()

    def log_out(self):
        self.button("Log out").click()
        self.expect(self.page.get_by_role("heading", name="Log in")).to_be_visible()

    def color(self, photo):
        self.page.get_by_label("Choose photos").set_input_files(photo)
        self.wait()

    def wait(self):
        ready = self.page.locator("#queue li:has-text('Ready')")
        self.expect(ready).to_have_count(1, timeout=20_000)


@pytest.fixture
def visit(driver, chromium, address):
    """Open the page; at the end no script has failed."""
    visits = []

    def open_page(settings=WIDE, **more):
        context = chromium.new_context(**settings, **more, service_workers="block")
        visits.append(Visit(driver, context.new_page(), address))
        return visits[-1]

    yield open_page
    for one in visits:
        assert [text for text in one.failures if not NOTED.search(text)] == []
        one.page.context.close()


def test_the_next_person_sees_nothing(visit, photo):
    seen = visit()
    page = seen.page
    assert not page.get_by_label("Choose photos").is_visible()
    seen.sign_up("ada")
    seen.color(photo)
    theirs = page.locator("#queue img").get_attribute("src")
    assert page.evaluate("address => fetch(address).then(({ status }) => status)", theirs) == 200
    seen.log_out()
    assert not page.locator("#queue li").count()
    assert "sea.png" not in page.content()
    assert page.evaluate("address => fetch(address).then(({ status }) => status)", theirs) == 401
    seen.sign_up("bob")
    seen.expect(page.locator("#models label")).to_have_count(1)
    assert not page.locator("#queue li").count()
    assert "sea.png" not in page.content()
    assert page.evaluate("address => fetch(address).then(({ status }) => status)", theirs) == 404
    seen.color(photo)
    seen.button("Remove sea.png").click()
    seen.log_out()
    seen.log_in("ada")
    seen.wait()
    assert page.locator("#queue .name").inner_text() == "sea.png"


def test_photos_of_another_browser_are_colored_once_they_are_chosen(visit, photo):
    seen = visit()
    seen.sign_up("ivy")
    seen.color(photo)
    reference = photo.with_name("lent.png")
    reference.write_bytes(make_photo(seed=1))
    seen.page.locator("#reference-pick").set_input_files(reference)
    seen.page.get_by_label("It lends").select_option("reinhard")  # the quickest one
    seen.page.reload()
    seen.wait()  # what only lends its colors is not among the photos
    other, jobs = visit(), []
    other.page.on("request", lambda one: jobs.append(one.url) if "/jobs" in one.url else None)
    other.log_in("ivy")
    listed = other.page.locator("#queue li")
    other.expect(listed).to_have_count(2)
    other.expect(listed.last).to_contain_text("sea.png")
    other.expect(listed.last).to_contain_text("Choose it to color it")
    assert jobs == []
    listed.last.get_by_role("button").first.click()
    other.wait()
    other.expect(listed.first).to_contain_text("Choose it to color it")
    other.page.reload()
    other.wait()


def test_errors_are_said_beside_the_fields(visit):
    seen = visit()
    page = seen.page
    seen.fill("log-in", email="nobody@example.org", confirmation=None)
    alert = page.locator("#log-in-form").get_by_role("alert")
    seen.expect(alert).to_have_text("The e-mail address or the password is wrong; check both.")
    seen.button("Sign up").click()
    seen.fill("sign-up", name="", email="cy", password="short", confirmation="other")
    wanted = {
        "name": "Say how you want to be called.",
        "email": "That is no e-mail address; write it as in name@example.org.",
        "password": "The password needs at least 10 characters; make it longer.",
        "confirmation": "The two passwords differ; type both again.",
    }
    for field, sentence in wanted.items():
        seen.expect(seen.field("sign-up", field)).to_have_accessible_description(sentence)
        seen.expect(seen.field("sign-up", field)).to_have_attribute("aria-invalid", "true")
    seen.expect(seen.field("sign-up", "name")).to_be_focused()
    seen.fill("sign-up", name="cy", email="cy@example.org")
    seen.expect(page.locator("#person-name")).to_have_text("cy")
    seen.log_out()
    seen.button("Sign up").click()
    seen.fill("sign-up", name="cy", email="cy@example.org")
    email = seen.field("sign-up", "email")
    seen.expect(email).to_have_accessible_description(re.compile("There is an account"))
    seen.expect(seen.field("sign-up", "name")).not_to_have_attribute("aria-invalid", "true")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_by_keys_on_a_narrow_screen(visit, scheme):
    seen = visit(NARROW, color_scheme=scheme)
    page, keys = seen.page, seen.page.keyboard

    def fits():
        small = page.evaluate(
            "[...document.querySelectorAll('button, .button, input')]"
            ".filter(one => one.checkVisibility() && !one.closest('.hidden, .button'))"
            ".filter(one => Math.min(one.offsetWidth, one.offsetHeight) < 40)"
            ".map(one => one.id || one.textContent)"
        )
        return page.evaluate("document.documentElement.scrollWidth"), small

    def enter(*values):
        for value in values:
            keys.press("Tab")
            keys.type(value)

    assert fits() == (360, [])
    seen.expect(page.locator("#log-in h2")).to_be_focused()
    for _ in range(4):
        keys.press("Tab")
    keys.press("Enter")
    seen.expect(page.locator("#sign-up h2")).to_be_focused()
    name = f"dee-{scheme}-of-a-long-and-winding-road"
    enter(name, f"{scheme}@example.org", PASSWORD, PASSWORD)
    assert fits() == (360, [])
    keys.press("Enter")
    seen.expect(page.locator("#person-name")).to_have_text(name)
    assert fits() == (360, [])
    page.locator("#open-account").focus()
    keys.press("Enter")
    seen.expect(page.locator("#account h2")).to_be_focused()
    keys.press("Tab")
    enter("a program with a name that is as long as names of programs get")
    keys.press("Enter")
    seen.expect(page.locator("#token")).to_be_focused()
    seen.expect(page.locator("#tokens li")).to_have_count(1)
    assert fits() == (360, [])
    seen.button("Back to the photos").press("Enter")
    seen.expect(page.locator("#open-account")).to_be_focused()
    assert page.get_by_label("Choose photos").is_enabled()


def photos_by(address, token) -> list:
    headers = {"Authorization": f"Bearer {token}"}
    with urllib.request.urlopen(
        urllib.request.Request(f"{address}/api/v1/photos", headers=headers), timeout=20
    ) as answer:
        return json.loads(answer.read())["photos"]


def test_a_token_is_shown_once_and_works_until_it_is_revoked(visit, address, photo):
    seen = visit()
    page = seen.page
    seen.sign_up("eve")
    seen.color(photo)
    page.locator("#open-account").click()
    seen.button("Make a token").click()
    name = seen.field("token", "name")
    seen.expect(name).to_have_accessible_description(re.compile("Give the token a name"))
    name.fill("nightly")
    seen.button("Make a token").click()
    seen.expect(page.locator("#token")).to_have_value(re.compile("^zoo_"))
    token = page.locator("#token").input_value()
    assert [one["name"] for one in photos_by(address, token)] == ["sea.png"]
    seen.expect(page.locator("#tokens li")).to_contain_text("nightly")
    seen.expect(page.locator("#tokens li")).to_contain_text("never used")
    seen.button("Back to the photos").click()
    page.locator("#open-account").click()
    seen.expect(page.locator("#tokens li")).to_contain_text("last used")
    assert page.locator("#token").input_value() == ""
    assert token not in page.content()
    seen.button("Revoke nightly").click()
    seen.expect(page.locator("#tokens li")).to_have_count(0)
    with pytest.raises(urllib.error.HTTPError, match="401"):
        photos_by(address, token)


def test_a_deleted_account_is_gone_from_the_browser_too(visit, photo, service):
    seen = visit()
    page = seen.page
    seen.sign_up("fay")
    seen.color(photo)
    kept = "Object.values(localStorage).filter(text => text !== '[]').length"
    assert page.evaluate(kept) == 1
    (info,) = json.loads(page.evaluate("fetch('api/v1/photos').then(answer => answer.text())"))[
        "photos"
    ]
    page.locator("#open-account").click()
    seen.expect(page.locator("#account-who")).to_contain_text("fay@example.org")
    page.locator("#delete-password").fill("wrong")
    delete = seen.button("Delete the account and all photos")
    delete.click()
    password = page.locator("#delete-password")
    seen.expect(password).to_have_accessible_description("The password is wrong; type it again.")
    password.fill(PASSWORD)
    delete.click()
    seen.expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    assert page.evaluate(kept) == 0
    assert service.store.photo(info["id"]) is None


def test_a_session_that_has_ended_asks_for_a_log_in(visit, service, photo):
    seen = visit()
    seen.sign_up("gus")
    seen.page.context.clear_cookies()
    seen.page.get_by_label("Choose photos").set_input_files(photo)
    alert = seen.page.locator("#log-in-form").get_by_role("alert")
    seen.expect(alert).to_have_text("Your session has ended; log in again.")
    assert "#" not in seen.page.url
    seen.log_in("gus")


def test_other_tabs_follow_whoever_comes_and_goes(visit):
    seen = visit()
    other = seen.page.context.new_page()
    other.goto(seen.page.url)
    seen.expect(other.get_by_role("heading", name="Log in")).to_be_visible()
    seen.sign_up("hal")
    seen.expect(other.locator("#person-name")).to_have_text("hal")
    other.get_by_role("button", name="Log out").click()
    seen.expect(seen.page.get_by_role("heading", name="Log in")).to_be_visible()


def test_what_the_form_says_of_passwords_is_so():
    page = (PAGE / "index.html").read_text("utf-8")
    assert f"Password ({PASSWORD_LENGTHS[0]} characters or more)" in page
