"""The database's schema as numbered steps, of which it records those that it has taken.

A step never changes once it is released: what comes later is a step of its own.
"""

import time

from sqlalchemy import Connection, Engine, inspect, text

from zoo.errors import ZooError

_RECORD = "CREATE TABLE schema_steps (number INTEGER PRIMARY KEY, taken FLOAT NOT NULL)"

#: Step 1 comes first.
STEPS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE photos (id VARCHAR PRIMARY KEY, name VARCHAR NOT NULL, "
        "format VARCHAR NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, "
        "created FLOAT NOT NULL)",
        "CREATE TABLE jobs (id VARCHAR PRIMARY KEY, "
        "photo VARCHAR NOT NULL REFERENCES photos (id) ON DELETE CASCADE, "
        "model VARCHAR NOT NULL, options JSON NOT NULL, hints JSON, reference VARCHAR, "
        "transfer VARCHAR, side INTEGER, state VARCHAR NOT NULL, error VARCHAR, "
        "created FLOAT NOT NULL)",
        "CREATE INDEX jobs_of_photo ON jobs (photo)",
    ),
    (
        # One person for now; everything has an owner, so that others can come.
        "ALTER TABLE photos ADD COLUMN owner VARCHAR NOT NULL DEFAULT 'local'",
        # Tells a job that brings the server down from one that was merely there.
        "ALTER TABLE jobs ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0",
    ),
    (
        "CREATE TABLE accounts (id VARCHAR PRIMARY KEY, name VARCHAR NOT NULL, "
        "email VARCHAR NOT NULL UNIQUE, password VARCHAR NOT NULL, created FLOAT NOT NULL)",
        "CREATE TABLE sessions (digest VARCHAR PRIMARY KEY, "
        "account VARCHAR NOT NULL REFERENCES accounts (id) ON DELETE CASCADE, "
        "expires FLOAT NOT NULL)",
        "CREATE INDEX sessions_of_account ON sessions (account)",
        "CREATE TABLE tokens (id VARCHAR PRIMARY KEY, "
        "account VARCHAR NOT NULL REFERENCES accounts (id) ON DELETE CASCADE, "
        "name VARCHAR NOT NULL, digest VARCHAR NOT NULL UNIQUE, created FLOAT NOT NULL, "
        "used FLOAT)",
        "CREATE INDEX tokens_of_account ON tokens (account)",
        "CREATE INDEX photos_of_owner ON photos (owner)",
    ),
    (
        # Films are photos with frames.
        "ALTER TABLE photos ADD COLUMN frames INTEGER",
        "ALTER TABLE photos ADD COLUMN seconds FLOAT",
        "ALTER TABLE jobs ADD COLUMN film JSON",
        "ALTER TABLE jobs ADD COLUMN notes JSON",
    ),
)


def migrate(engine: Engine) -> None:
    """Take the steps that a database lacks, all or none of them.

    Raises:
        ZooError: if a newer version has written it.
    """
    with engine.begin() as connection:
        taken = _taken(connection)
        if taken > len(STEPS):
            raise ZooError(
                f"The database {engine.url.database} has schema {taken}, and this version knows "
                f"{len(STEPS)}; install the version that wrote it, or give another --data folder."
            )
        for number in range(taken + 1, len(STEPS) + 1):
            for statement in STEPS[number - 1]:
                connection.exec_driver_sql(statement)
            record = text("INSERT INTO schema_steps VALUES (:number, :taken)")
            connection.execute(record, {"number": number, "taken": time.time()})


def _taken(connection: Connection) -> int:
    """The number of the last step taken; 0 for a new database."""
    if not inspect(connection).has_table("schema_steps"):
        connection.exec_driver_sql(_RECORD)
    last = connection.exec_driver_sql("SELECT COALESCE(MAX(number), 0) FROM schema_steps")
    return int(last.scalar_one())
