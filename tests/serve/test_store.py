"""What is kept: the schema's steps, rows and files."""

import sqlite3
from dataclasses import replace

import pytest
from sqlalchemy import inspect

from zoo.errors import ZooError
from zoo.serve import migrations
from zoo.serve.accounts.store import ACCOUNTS, SESSIONS, TOKENS, Account, AccountStore
from zoo.serve.database import open_database
from zoo.serve.store import JOBS, PHOTOS, Photo, Store, StoredJob

ALL_STEPS = list(range(1, len(migrations.STEPS) + 1))


def steps_taken(folder) -> list[int]:
    with sqlite3.connect(folder / "zoo.sqlite") as database:
        return [number for (number,) in database.execute("SELECT number FROM schema_steps")]


def columns(store: Store, *tables: str) -> dict[str, set[str]]:
    known = inspect(store.engine)
    return {name: {one["name"] for one in known.get_columns(name)} for name in tables}


def of_version_1(folder) -> None:
    """A database as the first step made it, with a photo and a job."""
    folder.mkdir()
    with sqlite3.connect(folder / "zoo.sqlite") as database:
        for statement in migrations.STEPS[0]:
            database.execute(statement)
        database.execute("CREATE TABLE schema_steps (number INTEGER PRIMARY KEY, taken FLOAT)")
        database.execute("INSERT INTO schema_steps VALUES (1, 0)")
        database.execute("INSERT INTO photos VALUES ('p', 'sea.png', 'PNG', 40, 30, 1.5)")
        database.execute(
            "INSERT INTO jobs VALUES ('j', 'p', 'gray', '{\"render_factor\": 4}', NULL, NULL, "
            "NULL, NULL, 'queued', NULL, 2.5)"
        )


def of_version_2(folder) -> None:
    """A database as it was before there were accounts, with a photo and a job that is done."""
    of_version_1(folder)
    with sqlite3.connect(folder / "zoo.sqlite") as database:
        for statement in migrations.STEPS[1]:
            database.execute(statement)
        database.execute("INSERT INTO schema_steps VALUES (2, 0)")
        database.execute("UPDATE jobs SET state = 'done', attempts = 1")


def test_a_new_database_has_all_steps_and_every_column(tmp_path):
    store = Store(tmp_path / "data")
    assert steps_taken(tmp_path / "data") == ALL_STEPS
    tables = {one.name: one for one in (PHOTOS, JOBS, ACCOUNTS, SESSIONS, TOKENS)}
    assert columns(store, *tables) == {
        name: {column.name for column in table.columns} for name, table in tables.items()
    }
    store.close()


def test_an_old_database_is_brought_up_to_date(tmp_path):
    of_version_1(tmp_path / "data")
    store = Store(tmp_path / "data")
    assert steps_taken(tmp_path / "data") == ALL_STEPS
    assert store.photo("p") == Photo("sea.png", "PNG", 40, 30, "p", "local", 1.5)
    (job,) = store.unfinished()
    assert (job.options, job.hints, job.attempts) == ({"render_factor": 4}, None, 0)
    assert (job.film, job.notes) == (None, None)
    store.close()
    again = Store(tmp_path / "data")
    assert again.photos("local") == [again.photo("p")]
    again.close()


def test_accounts_come_to_a_database_that_has_photos(tmp_path):
    of_version_2(tmp_path / "data")
    for part, name in (("photos", "p.png"), ("results", "j.png")):
        (tmp_path / "data" / part).mkdir()
        (tmp_path / "data" / part / name).write_bytes(b"kept")
    store = Store(tmp_path / "data")
    assert steps_taken(tmp_path / "data") == ALL_STEPS
    photo, job = store.photo("p"), store.job("j")
    assert store.photos("local") == [photo]
    assert (job.state, job.attempts, job.options) == ("done", 1, {"render_factor": 4})
    assert store.file_of(photo).read_bytes() == store.result_of(job, photo).read_bytes() == b"kept"
    accounts = AccountStore(store.engine)
    anna = Account("a", "Anna", "anna@example.org", "hash", 3.0)
    assert accounts.add_account(anna)
    assert not accounts.add_account(replace(anna, id="b"))
    assert accounts.account_of_email("anna@example.org") == anna
    store.close()


def test_a_step_that_fails_leaves_the_database_as_it_was(tmp_path, monkeypatch):
    of_version_1(tmp_path / "data")
    broken = ("ALTER TABLE photos ADD COLUMN first VARCHAR", "ALTER TABLE nothing ADD COLUMN x")
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "STEPS", (migrations.STEPS[0], broken))
        with pytest.raises(Exception, match="nothing"):
            migrations.migrate(open_database(tmp_path / "data" / "zoo.sqlite"))
    assert steps_taken(tmp_path / "data") == [1]
    Store(tmp_path / "data").close()
    assert steps_taken(tmp_path / "data") == ALL_STEPS


def test_a_newer_database_is_refused(tmp_path):
    Store(tmp_path / "data").close()
    with sqlite3.connect(tmp_path / "data" / "zoo.sqlite") as database:
        database.execute("INSERT INTO schema_steps VALUES (99, 0)")
    known = f"has schema 99, and this version knows {len(migrations.STEPS)}; install"
    with pytest.raises(ZooError, match=known):
        Store(tmp_path / "data")


def test_two_servers_do_not_share_a_folder(tmp_path):
    store = Store(tmp_path)
    with pytest.raises(ZooError, match="Another server uses"):
        Store(tmp_path)
    store.close()
    Store(tmp_path).close()


def test_files_that_no_row_knows_are_deleted_at_the_start(tmp_path):
    store = Store(tmp_path)
    photo = Photo("sea.png", "PNG", 40, 30)
    done, running = StoredJob(photo.id, "gray", {}), StoredJob(photo.id, "gray", {})
    store.add_photo(photo)
    for job in (done, running):
        store.add_job(job)
        store.start_job(job.id)
        store.result_of(job, photo).write_bytes(b"")
    store.end_job(done.id)
    store.file_of(photo).write_bytes(b"")
    for name in ("photos/0123.png", "results/.4567-x.partial.png", "scratch/half.zip"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "scratch" / "request").mkdir()
    store.close()
    Store(tmp_path).close()
    assert {path.name for path in tmp_path.rglob("*.*") if "sqlite" not in path.name} == {
        f"{photo.id}.png",
        f"{done.id}.png",
    }
    assert not list((tmp_path / "scratch").iterdir())


def test_the_folder_is_private(tmp_path):
    Store(tmp_path / "data").close()
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0
