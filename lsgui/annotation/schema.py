"""The annotation store's tables, version by version."""

import sqlite3

APPLICATION_ID = 0x4C534749
"""Marks a SQLite file as an annotation store ("LSGI"), so that no other database is ever written to."""

MIGRATIONS = (
    """
    CREATE TABLE readings (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        content_hash TEXT NOT NULL CHECK (length(content_hash) = 64),
        file_name TEXT NOT NULL,
        rater TEXT NOT NULL CHECK (rater <> ''),
        label TEXT NOT NULL,
        read_at TEXT NOT NULL,
        program_version TEXT NOT NULL
    );
    CREATE INDEX readings_by_clip ON readings (content_hash, rater, id);
    CREATE TRIGGER readings_are_kept BEFORE DELETE ON readings
        BEGIN SELECT RAISE(ABORT, 'a reading is never deleted'); END;
    CREATE TRIGGER readings_stay_as_said BEFORE UPDATE ON readings
        BEGIN SELECT RAISE(ABORT, 'a reading is never changed'); END;
    """,
    """
    CREATE TABLE intervals (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        mark TEXT NOT NULL CHECK (mark <> ''),
        action TEXT NOT NULL CHECK (action IN ('marked', 'withdrawn')),
        content_hash TEXT NOT NULL CHECK (length(content_hash) = 64),
        file_name TEXT NOT NULL,
        rater TEXT NOT NULL CHECK (rater <> ''),
        label TEXT,
        start INTEGER NOT NULL CHECK (start >= 0),
        stop INTEGER CHECK (stop > start),
        marked_at TEXT NOT NULL,
        program_version TEXT NOT NULL
    );
    CREATE INDEX intervals_by_clip ON intervals (content_hash, rater, id);
    CREATE INDEX intervals_by_mark ON intervals (mark, id);
    CREATE TRIGGER intervals_are_kept BEFORE DELETE ON intervals
        BEGIN SELECT RAISE(ABORT, 'an interval is never deleted, it is withdrawn'); END;
    CREATE TRIGGER intervals_stay_as_said BEFORE UPDATE ON intervals
        BEGIN SELECT RAISE(ABORT, 'an interval is never changed, another row follows'); END;
    CREATE TABLE overrides (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        reading INTEGER NOT NULL REFERENCES readings (id),
        verdict TEXT NOT NULL,
        model TEXT NOT NULL,
        reason TEXT NOT NULL CHECK (reason <> ''),
        given_at TEXT NOT NULL,
        program_version TEXT NOT NULL
    );
    CREATE INDEX overrides_by_reading ON overrides (reading, id);
    CREATE TRIGGER overrides_are_kept BEFORE DELETE ON overrides
        BEGIN SELECT RAISE(ABORT, 'an override is never deleted'); END;
    CREATE TRIGGER overrides_stay_as_said BEFORE UPDATE ON overrides
        BEGIN SELECT RAISE(ABORT, 'an override is never changed, another row follows'); END;
    """,
)
"""Scripts that lead from one version to the next. A script that was released is never edited: a new one is added."""

VERSION = len(MIGRATIONS)
"""The version that this program writes (`PRAGMA user_version`)."""


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a store up to `VERSION`, one transaction a step, so that a power cut leaves a whole version behind."""
    while (version := stored_version(connection)) < VERSION:
        connection.executescript(
            f"BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION_ID};"
            f"{MIGRATIONS[version]} PRAGMA user_version = {version + 1}; COMMIT;"
        )


def stored_version(connection: sqlite3.Connection) -> int:
    """Return the version a store was written with; 0 for a new file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def is_annotation_store(connection: sqlite3.Connection) -> bool:
    """Return whether the file carries the mark of an annotation store."""
    return int(connection.execute("PRAGMA application_id").fetchone()[0]) == APPLICATION_ID
