"""SQLite, as the server uses it: one process, many threads."""

import threading
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event


def open_database(file: Path) -> Engine:
    """A database with foreign keys, and with transactions that also hold changes of the schema.

    Transactions are for writing, one at a time; see `reading` for others.
    """
    # Errors are logged, and say nothing of what is in the rows.
    engine = create_engine(f"sqlite:///{file}", connect_args={"timeout": 30}, hide_parameters=True)
    # SQLite lets writers that wait for each other sleep, and wakes none of them.
    turn = threading.Lock()

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        # The driver would begin transactions by itself, and too late for some statements.
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA journal_mode = WAL")
        # What is deleted is overwritten.
        connection.execute("PRAGMA secure_delete = ON")

    @event.listens_for(engine, "begin")
    def _begun(connection: Any) -> None:
        if connection.get_execution_options().get("reads"):
            connection.exec_driver_sql("BEGIN")
            return
        turn.acquire()
        connection.info["turn"] = turn
        # At once: a transaction that reads first may not be able to write later.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    @event.listens_for(engine, "checkin")
    def _ended(_connection: Any, record: Any) -> None:
        taken = record.info.pop("turn", None)
        if taken is not None:
            taken.release()

    return engine


def reading(engine: Engine) -> Engine:
    """The same database for transactions that only read: they wait for nobody."""
    return engine.execution_options(reads=True)


def empty_log(engine: Engine) -> None:
    """Bring the log beside a database into it now, with all that is still in it of deleted rows."""
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
