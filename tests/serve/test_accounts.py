"""Accounts: what their forms say, sessions, how often something is tried, and deletion."""

import logging
import sqlite3
import threading
from contextlib import closing
from http.cookies import SimpleCookie

import pytest
import uvicorn
from argon2 import PasswordHasher, extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY
from fastapi.testclient import TestClient
from films import film_bytes, moving
from served import PASSWORD, make_photo, refused, sign_up_form

from zoo.errors import ZooError
from zoo.serve import queues
from zoo.serve.accounts.door import COOKIE
from zoo.serve.accounts.keys import Key
from zoo.serve.accounts.passwords import Passwords
from zoo.serve.accounts.rates import RateLimit
from zoo.serve.coloring import color
from zoo.serve.http.addresses import address_of, bind, check_proxy
from zoo.serve.refusals import Refusal
from zoo.serve.running import configuration
from zoo.serve.settings import Limits

DAY = 24 * 60 * 60
ACCOUNT, SESSION, TOKENS = "/api/v1/account", "/api/v1/session", "/api/v1/tokens"
WRONG = "The e-mail address or the password is wrong; check both."


def log_in(visitor, name="Anna", password=PASSWORD, **more):
    body = {"email": f"{name.lower()}@example.org", "password": password}
    return visitor.client.post(SESSION, json=body, **more)


def whoever_is_in(visitor) -> str | None:
    account = visitor.client.get(ACCOUNT).json()["account"]
    return None if account is None else account["name"]


def cookie_of(answer) -> dict[str, str]:
    """What an answer sets, by the names of its attributes."""
    (morsel,) = SimpleCookie(answer.headers["set-cookie"]).values()
    return {"key": morsel.key, "value": morsel.value} | dict(morsel.items())


def with_cookie(server, value: str):
    """Somebody whose browser keeps this of a session."""
    return server.visitor(Cookie=f"{COOKIE}={value}".encode())


def rows(folder, table: str) -> int:
    with closing(sqlite3.connect(folder / "zoo.sqlite")) as database:
        return database.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]


# ---------------------------------------------------------------------- forms


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"name": " "}, "name", "how you want to be called"),
        ({"name": "a" * 81}, "name", "up to 80 letters"),
        ({"name": "a\nb"}, "name", "in one line"),
        ({"email": ""}, "email", "Give your e-mail address"),
        ({"email": "anna"}, "email", "no e-mail address; write it as in name@example.org"),
        ({"email": "anna@example"}, "email", "no e-mail address"),
        ({"email": "a b@example.org"}, "email", "no e-mail address"),
        ({"email": "a" * 250 + "@example.org"}, "email", "no e-mail address"),
        ({"password": ""}, "password", "Choose a password"),
        ({"password": "123456789", "confirmation": "123456789"}, "password", "at least 10"),
        ({"password": "a" * 1001, "confirmation": "a" * 1001}, "password", "up to 1,000"),
        ({"confirmation": ""}, "confirmation", "Repeat the password"),
        ({"confirmation": PASSWORD + "!"}, "confirmation", "passwords differ; type both again"),
    ],
)
def test_each_field_says_what_is_wrong_with_it(open_server, changes, field, words):
    answer = open_server.client.post(ACCOUNT, json=sign_up_form("Anna", **changes))
    sentence = refused(answer, 422, words)
    assert answer.json()["fields"] == {field: sentence}
    assert "set-cookie" not in answer.headers


def test_an_empty_form_says_so_at_each_field(open_server):
    answer = open_server.client.post(ACCOUNT, json={})
    assert list(answer.json()["fields"]) == ["name", "email", "password", "confirmation"]
    answer = open_server.client.post(SESSION, json={})
    assert list(answer.json()["fields"]) == ["email", "password"]
    refused(open_server.client.post(SESSION, json={"mail": "x"}), 422, "mail")


def test_an_e_mail_address_has_one_account(open_server):
    open_server.sign_up("Anna")
    again = sign_up_form("Anna", name="Another", email=" ANNA@example.ORG")
    answer = open_server.client.post(ACCOUNT, json=again)
    sentence = refused(answer, 409, "There is an account with this e-mail address; log in")
    assert answer.json()["fields"] == {"email": sentence}
    assert log_in(open_server).json()["name"] == "Anna"


def test_who_signs_up_is_in_and_can_log_out_and_in(open_server):
    assert open_server.client.get(ACCOUNT).json() == {"accounts": True, "account": None}
    anna = open_server.sign_up("Anna")
    account = anna.client.get(ACCOUNT).json()["account"]
    assert account.items() >= {"name": "Anna", "email": "anna@example.org"}.items()
    photo = anna.upload()
    assert anna.client.delete(SESSION).status_code == 204
    assert whoever_is_in(anna) is None
    refused(anna.client.get("/api/v1/photos"), 401, "Log in first")
    assert log_in(anna).json() == account
    assert anna.client.get("/api/v1/photos").json()["photos"] == [photo]


@pytest.mark.parametrize("form", ["e\u0301", "\u00e9"])
def test_a_password_is_the_same_however_its_letters_are_sent(open_server, form):
    password = f"r{form}sum{form} of anna"
    form = sign_up_form("Anna", password=password, confirmation=password)
    assert open_server.client.post(ACCOUNT, json=form).status_code == 201
    assert log_in(open_server, password="r\u00e9sum\u00e9 of anna").status_code == 200


def test_wrong_addresses_and_wrong_passwords_are_told_the_same(open_server, monkeypatch):
    open_server.sign_up("Anna")
    verified = []
    verify = PasswordHasher.verify

    def counted(self, kept, password):
        verified.append(extract_parameters(kept))
        return verify(self, kept, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    known, unknown = log_in(open_server, password="wrong"), log_in(open_server, "Nobody")
    assert refused(known, 401) == refused(unknown, 401) == WRONG
    assert known.content == unknown.content
    # The one step that takes time is as long for both.
    assert len(verified) == 2
    assert verified[0] == verified[1]


# ---------------------------------------------------------------------- passwords


def test_passwords_are_kept_as_argon2id_hashes_alone(start, settings):
    start(accounts=True).sign_up("Anna")
    with closing(sqlite3.connect(settings.data / "zoo.sqlite")) as database:
        ((kept,),) = database.execute("SELECT password FROM accounts")
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert extract_parameters(kept) == RFC_9106_LOW_MEMORY
    assert PasswordHasher().verify(kept, PASSWORD)
    for file in settings.data.rglob("*"):
        assert not file.is_file() or PASSWORD.encode() not in file.read_bytes()


def test_a_weaker_hash_gives_way_at_the_next_log_in(start, settings, monkeypatch, quick_hashes):
    server = start(accounts=True)
    server.sign_up("Anna")
    monkeypatch.undo()
    server = start(accounts=True)
    assert log_in(server).status_code == 200
    with closing(sqlite3.connect(settings.data / "zoo.sqlite")) as database:
        ((kept,),) = database.execute("SELECT password FROM accounts")
    assert not PasswordHasher().check_needs_rehash(kept)
    assert log_in(server).status_code == 200


def test_nobody_has_a_password():
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    assert not passwords.matches(None, "")
    assert passwords.matches(passwords.hash("x"), "x")


# ---------------------------------------------------------------------- sessions


def test_the_cookie_is_for_this_server_s_page_alone(open_server):
    answer = open_server.client.post(ACCOUNT, json=sign_up_form("Anna"))
    cookie = cookie_of(answer)
    assert cookie["key"] == COOKIE
    assert cookie["httponly"] is True
    assert cookie["samesite"] == "lax"
    assert cookie["path"] == "/"
    assert cookie["max-age"] == str(14 * DAY)
    assert not cookie["domain"]
    assert not cookie["secure"]
    secure = TestClient(
        open_server.client.app, base_url="https://localhost", headers={"X-Requested-With": "zoo"}
    )
    body = {"email": "anna@example.org", "password": PASSWORD}
    assert cookie_of(secure.post(SESSION, json=body))["secure"] is True
    gone = cookie_of(secure.delete(SESSION))
    assert (gone["value"], gone["max-age"], gone["secure"]) == ("", "0", True)


def test_only_a_hash_of_the_session_is_in_the_database(open_server, settings):
    answer = open_server.client.post(ACCOUNT, json=sign_up_form("Anna"))
    identifier = cookie_of(answer)["value"].split(".")[0]
    assert len(identifier) == 43  # 256 bits
    for file in settings.data.rglob("*"):
        assert not file.is_file() or identifier.encode() not in file.read_bytes()
    assert rows(settings.data, "sessions") == 1


def test_a_log_in_ends_the_session_that_the_browser_had(open_server, settings):
    before = cookie_of(open_server.client.post(ACCOUNT, json=sign_up_form("Anna")))["value"]
    after = cookie_of(log_in(open_server))["value"]
    assert after != before
    assert whoever_is_in(with_cookie(open_server, before)) is None
    assert whoever_is_in(with_cookie(open_server, after)) == "Anna"
    assert rows(settings.data, "sessions") == 1


def test_a_session_that_somebody_planted_does_not_become_one_s_own(open_server):
    """Whoever knows what the browser had before the log-in does not get in with it."""
    open_server.sign_up("Anna")
    planted = "planted"
    victim = with_cookie(open_server, planted)
    assert cookie_of(log_in(victim))["value"] != planted
    assert whoever_is_in(with_cookie(open_server, planted)) is None


def test_a_log_out_ends_the_session_everywhere(open_server, settings):
    anna = open_server.sign_up("Anna")
    kept = anna.client.cookies[COOKIE]
    other = open_server.visitor()
    log_in(other)
    answer = anna.client.delete(SESSION)
    assert answer.headers["clear-site-data"] == '"cache"'
    assert whoever_is_in(with_cookie(open_server, kept)) is None
    assert whoever_is_in(other) == "Anna"  # another browser's session is another one
    assert anna.client.delete(SESSION).status_code == 204


def test_a_cookie_that_was_changed_is_none(open_server, settings):
    anna = open_server.sign_up("Anna")
    kept = anna.client.cookies[COOKIE]
    identifier, signature = kept.split(".")
    stranger = Key(b"x" * 32).signed(identifier)
    last = "0" if signature[-1] != "0" else "1"
    wrong = ["", ".", "x", identifier, f"{identifier}.", f"{identifier}.{signature[:-1]}{last}"]
    wrong += [f"x{kept}", f"{kept}x", stranger, f".{signature}", "a.\u00e9"]
    for value in wrong:
        visitor = with_cookie(open_server, value)
        refused(visitor.client.get("/api/v1/photos"), 401)
    assert whoever_is_in(with_cookie(open_server, kept)) == "Anna"


def test_a_session_ends_after_two_weeks(open_server, clock, settings):
    anna = open_server.sign_up("Anna")
    kept = anna.client.cookies[COOKIE]
    clock.passed = 14 * DAY - 60
    assert whoever_is_in(with_cookie(open_server, kept)) == "Anna"
    open_server.service.forget_old()
    assert rows(settings.data, "sessions") == 1
    clock.passed = 14 * DAY + 60
    assert whoever_is_in(with_cookie(open_server, kept)) is None
    open_server.service.forget_old()
    assert rows(settings.data, "sessions") == 0


def test_a_restart_keeps_sessions_unless_the_key_is_another(start, quick_hashes, settings):
    server = start(accounts=True)
    kept = server.sign_up("Anna").client.cookies[COOKIE]
    server = start(accounts=True)
    assert whoever_is_in(with_cookie(server, kept)) == "Anna"
    (settings.data / "secret").unlink()
    server = start(accounts=True)
    assert whoever_is_in(with_cookie(server, kept)) is None
    assert log_in(server).status_code == 200


def test_the_key_is_for_its_owner_s_eyes_alone(tmp_path):
    key = Key.of_folder(tmp_path)
    file = tmp_path / "secret"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]
    file.chmod(0o644)
    again = Key.of_folder(tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600
    assert again.text_of(key.signed("text")) == "text"
    assert again.text_of(key.signed("text")[:-1]) is None
    file.write_bytes(b"short")
    with pytest.raises(ZooError, match="is damaged; delete it"):
        Key.of_folder(tmp_path)


def test_without_accounts_there_is_no_key(server, settings):
    server.upload()
    assert not (settings.data / "secret").exists()


# ---------------------------------------------------------------------- how often


def test_a_password_is_guessed_ten_times_in_a_quarter_of_an_hour(open_server, clock):
    open_server.sign_up("Anna")
    for _ in range(10):
        refused(log_in(open_server, password="wrong"), 401)
    answer = log_in(open_server)
    refused(answer, 429, "tried too often; try again in 15 min")
    assert 880 <= int(answer.headers["retry-after"]) <= 900
    assert "fields" not in answer.json()
    assert log_in(open_server, "Nobody").status_code == 401  # others are not locked out
    clock.passed = 901
    assert log_in(open_server).status_code == 200


def test_a_right_password_forgives_wrong_ones_before(open_server):
    open_server.sign_up("Anna")
    for _ in range(3):
        for _ in range(6):
            refused(log_in(open_server, password="wrong"), 401)
        assert log_in(open_server).status_code == 200


def test_one_address_does_not_try_many_accounts(start, quick_hashes, clock):
    server = start(accounts=True, limits=Limits(tries_of_address=3))
    for number in range(3):
        refused(log_in(server, f"Nobody{number}"), 401)
    refused(log_in(server, "Nobody3"), 429)
    signed_up = [
        server.client.post(ACCOUNT, json=sign_up_form(f"Anna{number}")) for number in range(4)
    ]
    assert [answer.status_code for answer in signed_up] == [201, 201, 201, 429]
    assert int(signed_up[-1].headers["retry-after"]) > 0
    clock.passed = 901
    assert log_in(server, "Anna0").status_code == 200


def test_sign_ups_for_one_e_mail_address_are_counted(start, quick_hashes):
    server = start(accounts=True, limits=Limits(tries_of_email=2))
    answers = [server.client.post(ACCOUNT, json=sign_up_form("Anna")) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 409, 429]


def test_attempts_are_counted_within_a_time_that_slides_along():
    now = 0.0
    limit = RateLimit(2, 60, lambda: now)
    limit.take("a")
    now = 30
    limit.take("a")
    now = 59
    with pytest.raises(Refusal) as refusal:
        limit.take("a")
    assert refusal.value.headers == {"Retry-After": "1"}
    limit.take("b")
    now = 60
    limit.take("a")  # the first one no longer counts
    with pytest.raises(Refusal):
        limit.take("a")
    limit.forgive("a")
    limit.take("a")


def test_attempts_of_long_ago_take_no_memory(monkeypatch):
    monkeypatch.setattr("zoo.serve.accounts.rates._MANY", 3)
    now = 0.0
    limit = RateLimit(2, 60, lambda: now)
    for key in "abcd":
        limit.take(key)
    now = 100
    limit.take("e")
    assert list(limit._attempts) == ["e"]


# ---------------------------------------------------------------------- behind a proxy


@pytest.mark.parametrize("trusted", [True, False])
def test_a_proxy_is_believed_if_it_was_named(settings, start, quick_hashes, trusted):
    proxies = ("127.0.0.1",) if trusted else ("192.0.2.1",)
    limits = Limits(tries_of_address=1)
    service = start(accounts=True, proxies=proxies, limits=limits).service
    config = configuration(service)
    config.lifespan = "off"
    server = uvicorn.Server(config)
    with bind("127.0.0.1", 0) as listening:
        running = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        running.start()
        try:
            answers = [from_afar(address_of(listening), number) for number in (1, 2, 2)]
        finally:
            server.should_exit = True
            running.join(20)
    told = [answer.status_code for answer in answers]
    assert told == ([201, 201, 429] if trusted else [201, 429, 429])
    assert cookie_of(answers[0])["secure"] == (True if trusted else "")


def from_afar(address: str, number: int):
    import httpx

    headers = {"X-Requested-With": "zoo", "X-Forwarded-Proto": "https"}
    headers["X-Forwarded-For"] = f"198.51.100.{number}"
    form = sign_up_form("Anna", email=f"{number}@example.org")
    return httpx.post(f"{address}{ACCOUNT}", json=form, headers=headers)


def test_a_proxy_has_an_address():
    for right in ("127.0.0.1", "10.0.0.0/8", "::1", "fd00::/8"):
        check_proxy(right)
    for wrong in ("localhost", "*", "10.0.0.1/8", ""):
        with pytest.raises(ZooError, match="--proxy takes an IP address or a network"):
            check_proxy(wrong)


# ---------------------------------------------------------------------- other pages


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, False),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://photos.example"}, True),
        ({"Origin": "http://localhost"}, True),
        ({"Origin": "http://localhost:9000"}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
    ],
)
def test_another_page_does_not_write(open_server, headers, passes):
    anna = open_server.sign_up("Anna")
    photo = anna.upload()
    address = f"/api/v1/photos/{photo['id']}"
    assert anna.client.get("/api/v1/photos", headers=headers).status_code == 200
    if passes:
        assert anna.client.delete(address, headers=headers).status_code == 204
        return
    refused(anna.client.delete(address, headers=headers), 403, "Another web page")
    refused(log_in(open_server, headers=headers), 403, "Another web page")
    assert anna.client.get("/api/v1/photos").json()["photos"] == [photo]


def test_without_accounts_the_header_alone_decides(server):
    """A proxy may hand on another Host than the page's, without TLS, too."""
    photo, headers = server.upload(), {"Origin": "http://photos.example"}
    answer = server.client.delete(f"/api/v1/photos/{photo['id']}", headers=headers)
    assert answer.status_code == 204


def test_writes_with_a_cookie_need_the_header(open_server):
    anna = open_server.sign_up("Anna")
    photo = anna.upload()
    bare = TestClient(
        open_server.client.app, base_url="http://localhost", cookies=anna.client.cookies
    )
    address = f"/api/v1/photos/{photo['id']}"
    assert bare.get("/api/v1/photos").json()["photos"] == [photo]
    refused(bare.delete(address), 403, "X-Requested-With: zoo")
    refused(bare.delete(SESSION), 403, "X-Requested-With: zoo")
    assert whoever_is_in(anna) == "Anna"


def test_what_browsers_keep_is_for_one_person(open_server):
    anna = open_server.sign_up("Anna")
    address = f"/api/v1/photos/{anna.upload()['id']}/image"
    headers = anna.client.get(address).headers
    assert headers["vary"] == "Cookie, Authorization"
    assert headers["cache-control"].startswith("private")


# ---------------------------------------------------------------------- tokens


def program(server, token: str) -> TestClient:
    """What has a token and nothing else."""
    headers = {"Authorization": f"Bearer {token}"}
    return TestClient(server.client.app, base_url="http://localhost", headers=headers)


def make_token(person, name: str = "a program") -> dict:
    answer = person.client.post(TOKENS, json={"name": name})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_token_lets_a_program_in_without_cookie_and_header(open_server):
    anna = open_server.sign_up("Anna")
    photo = anna.upload()
    client = program(open_server, make_token(anna)["token"])
    assert client.get("/api/v1/photos").json()["photos"] == [photo]
    assert client.post("/api/v1/colorize", files={"photo": make_photo()}).status_code == 200
    assert client.delete(f"/api/v1/photos/{photo['id']}").status_code == 204
    assert client.get(ACCOUNT).json()["account"]["name"] == "Anna"
    assert "set-cookie" not in client.get(ACCOUNT).headers


def test_a_token_is_told_once_and_kept_as_a_hash(open_server, settings, clock):
    anna = open_server.sign_up("Anna")
    made = make_token(anna, " nightly ")
    secret = made.pop("token")
    assert secret.startswith("zoo_")
    assert len(secret) == 47
    assert made.items() >= {"name": "nightly", "used": None}.items()
    assert anna.client.get(TOKENS).json() == {"tokens": [made]}
    for file in settings.data.rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes()
    program(open_server, secret).get("/api/v1/photos")
    (first,) = anna.client.get(TOKENS).json()["tokens"]
    assert first["used"] >= made["created"]
    clock.passed = 3600
    program(open_server, secret).get("/api/v1/photos")
    (later,) = anna.client.get(TOKENS).json()["tokens"]
    assert later["used"] > first["used"]
    assert later | {"used": None} == made


def test_a_token_that_is_revoked_lets_nobody_in(open_server):
    anna = open_server.sign_up("Anna")
    first, second = make_token(anna), make_token(anna)
    assert anna.client.delete(f"{TOKENS}/{first['id']}").status_code == 204
    answer = program(open_server, first["token"]).get("/api/v1/photos")
    refused(answer, 401, "may have been revoked")
    assert program(open_server, second["token"]).get("/api/v1/photos").status_code == 200
    refused(anna.client.delete(f"{TOKENS}/{first['id']}"), 404, "no such token")


@pytest.mark.parametrize("token", ["", "zoo_", "zoo_x", "\u00e9"])
def test_a_wrong_token_is_worth_less_than_a_cookie(open_server, token):
    anna = open_server.sign_up("Anna")
    headers = {"Authorization": f"Bearer {token}".encode()}
    refused(anna.client.get("/api/v1/photos", headers=headers), 401, "token is unknown")
    refused(anna.client.get(ACCOUNT, headers=headers), 401, "token is unknown")


def test_a_proxy_s_own_password_is_no_token(open_server):
    anna = open_server.sign_up("Anna")
    headers = {"Authorization": "Basic eDp5"}
    assert anna.client.get("/api/v1/photos", headers=headers).status_code == 200
    bare = TestClient(open_server.client.app, base_url="http://localhost", headers=headers)
    refused(bare.post(SESSION), 403, "X-Requested-With")


def test_tokens_have_names_and_are_not_endless(start, quick_hashes):
    anna = start(accounts=True, limits=Limits(tokens=2)).sign_up("Anna")
    answer = anna.client.post(TOKENS, json={})
    assert list(answer.json()["fields"]) == ["name"]
    refused(answer, 422, "Give the token a name")
    first = make_token(anna)
    make_token(anna)
    refused(anna.client.post(TOKENS, json={"name": "third"}), 409, "revoke one first")
    anna.client.delete(f"{TOKENS}/{first['id']}")
    make_token(anna)


def test_a_token_makes_no_tokens(open_server):
    client = program(open_server, make_token(open_server.sign_up("Anna"))["token"])
    refused(client.post(TOKENS, json={"name": "child"}), 403, "log in with the password")
    assert len(client.get(TOKENS).json()["tokens"]) == 1


# ---------------------------------------------------------------------- deletion


def everything(folder) -> bytes:
    """All names and contents of a folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return b"".join(str(path).encode() + path.read_bytes() for path in files)


def test_a_deleted_account_leaves_no_row_and_no_file(open_server, settings):
    server = open_server
    anna, ben = server.sign_up("Anna"), server.sign_up("Ben")
    theirs = ben.upload(name="hill.png")
    result = ben.colored(theirs, model="gray")
    identifier = anna.client.get(ACCOUNT).json()["account"]["id"]
    photo = anna.upload(name="secret-sea.png")
    jobs = [anna.wait(anna.ask(photo, model="gray", side=side)) for side in (None, 16)]
    reference = anna.upload(make_photo(seed=1))
    anna.colored(photo, model="gray", reference=reference["id"], transfer="reinhard")
    film = anna.upload(film_bytes(moving(2)), "secret-film.mkv")
    jobs += [anna.wait(anna.ask(film, model="gray"))]
    assert [job["state"] for job in jobs] == ["done"] * 3
    kept, token = anna.client.cookies[COOKIE], make_token(anna, "secret-name")
    answer = anna.client.request("DELETE", ACCOUNT, json={"password": "wrong"})
    assert answer.json()["fields"] == {"password": refused(answer, 403, "password is wrong")}
    refused(anna.client.request("DELETE", ACCOUNT, json={}), 422, "Give your password")
    assert len(anna.client.get("/api/v1/photos").json()["photos"]) == 3
    answer = anna.client.request("DELETE", ACCOUNT, json={"password": PASSWORD})
    assert answer.status_code == 204
    assert cookie_of(answer)["value"] == ""
    assert whoever_is_in(with_cookie(server, kept)) is None
    refused(program(server, token["token"]).get("/api/v1/photos"), 401)
    assert refused(log_in(server), 401) == WRONG
    assert ben.client.get("/api/v1/photos").json()["photos"] == [theirs]
    assert ben.colored(theirs, model="gray") == result
    counted = {"accounts": 1, "sessions": 1, "tokens": 0, "photos": 1, "jobs": 2}
    assert {table: rows(settings.data, table) for table in counted} == counted
    left = everything(settings.data)
    gone = [one["id"] for one in (photo, reference, film, token, *jobs)]
    for trace in (identifier, *gone, "anna@example", "secret-sea", "secret-film", "secret-name"):
        assert trace.encode() not in left
    assert theirs["id"].encode() in left


def test_what_is_being_colored_goes_with_the_account(open_server, settings, monkeypatch):
    begun, go = threading.Event(), threading.Event()

    def held(*arguments):
        begun.set()
        assert go.wait(20)
        color(*arguments)

    monkeypatch.setattr(queues, "color", held)
    anna, ben = open_server.sign_up("Anna"), open_server.sign_up("Ben")
    photo = anna.upload()
    job = anna.ask(photo, model="gray")
    assert begun.wait(20)
    answer = anna.client.request("DELETE", ACCOUNT, json={"password": PASSWORD})
    assert answer.status_code == 204
    go.set()
    ben.colored(ben.upload(), model="gray")
    open_server.service.stop()
    for one in (photo, job):
        assert one["id"].encode() not in everything(settings.data)


def test_a_job_of_a_photo_that_has_just_gone_is_refused(open_server, monkeypatch):
    anna = open_server.sign_up("Anna")
    photo = anna.upload()
    checked = open_server.service.models.served

    def late(name):
        answer = anna.client.request("DELETE", ACCOUNT, json={"password": PASSWORD})
        assert answer.status_code == 204
        return checked(name)

    monkeypatch.setattr(open_server.service.models, "served", late)
    cookie = anna.client.cookies[COOKIE]
    answer = with_cookie(open_server, cookie).client.post(
        f"/api/v1/photos/{photo['id']}/jobs", json={"model": "gray"}
    )
    assert refused(answer, 404) == "There is no such photo; it may have been deleted."


def test_passwords_are_not_guessed_by_deleting(open_server, clock):
    anna = open_server.sign_up("Anna")
    for _ in range(10):
        refused(anna.client.request("DELETE", ACCOUNT, json={"password": "wrong"}), 403)
    refused(anna.client.request("DELETE", ACCOUNT, json={"password": PASSWORD}), 429)
    clock.passed = 901
    answer = anna.client.request("DELETE", ACCOUNT, json={"password": PASSWORD})
    assert answer.status_code == 204


def test_photos_of_accounts_are_deleted_after_some_days_too(open_server, monkeypatch):
    anna = open_server.sign_up("Anna")
    anna.upload()
    now = open_server.service.store.photos(anna.client.get(ACCOUNT).json()["account"]["id"])
    monkeypatch.setattr("zoo.serve.service.time.time", lambda: now[0].created + 7 * DAY + 1)
    open_server.service.forget_old()
    assert not list(open_server.service.store.photos(now[0].owner))


# ---------------------------------------------------------------------- logs


def test_logs_say_nothing_of_anybody(open_server, caplog):
    caplog.set_level(logging.DEBUG)
    anna = open_server.sign_up("Anna")
    token = make_token(anna)["token"]
    program(open_server, token).get("/api/v1/photos")
    log_in(open_server, password="another secret")
    log_in(open_server)
    with open_server.service.store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE tokens")
        connection.exec_driver_sql("ALTER TABLE accounts RENAME TO lost")
    client = TestClient(
        open_server.client.app,
        base_url="http://localhost",
        headers={"X-Requested-With": "zoo"},
        raise_server_exceptions=False,
    )
    with pytest.raises(Exception, match="no such table") as told:
        open_server.client.post(ACCOUNT, json=sign_up_form("Carla"))
    refused(client.post(ACCOUNT, json=sign_up_form("Carla")), 500, "its log says what")
    logged = caplog.text + str(told.value)
    for secret in (PASSWORD, "another secret", "@example.org", token, anna.client.cookies[COOKIE]):
        assert secret not in logged
    assert "argon2" not in logged
