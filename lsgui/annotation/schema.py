"""The annotation store's tables, version by version."""

import re
import sqlite3
from collections.abc import Iterator

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
    """
    CREATE TABLE history (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        uid TEXT NOT NULL UNIQUE CHECK (length(uid) = 32),
        content_hash TEXT NOT NULL CHECK (length(content_hash) = 64),
        file_name TEXT NOT NULL,
        rater TEXT NOT NULL CHECK (rater <> ''),
        sitting INTEGER NOT NULL DEFAULT 1 CHECK (sitting >= 1),
        kind TEXT NOT NULL CHECK (kind <> ''),
        subject TEXT NOT NULL DEFAULT '',
        value TEXT CHECK (value IS NULL OR json_valid(value)),
        said_at TEXT NOT NULL,
        program_version TEXT NOT NULL,
        blind INTEGER NOT NULL DEFAULT 0 CHECK (blind IN (0, 1))
    );
    CREATE TABLE former_readings AS SELECT id, lower(hex(randomblob(16))) AS uid FROM readings;
    INSERT INTO history (uid, content_hash, file_name, rater, kind, subject, value, said_at, program_version)
        SELECT uid, content_hash, file_name, rater, kind, subject, value, said_at, program_version FROM (
            SELECT former_readings.uid AS uid, content_hash, file_name, rater, 'label' AS kind, '' AS subject,
                json_object('label', label) AS value, read_at AS said_at, program_version,
                1 AS place, readings.id AS row
            FROM readings JOIN former_readings ON former_readings.id = readings.id
            UNION ALL
            SELECT lower(hex(randomblob(16))), content_hash, file_name, rater, 'interval', mark,
                CASE action WHEN 'marked' THEN json_object('start', start, 'stop', stop, 'label', label) END,
                marked_at, program_version, 2, id
            FROM intervals
            UNION ALL
            SELECT lower(hex(randomblob(16))), content_hash, file_name, rater, 'override', former_readings.uid,
                json_object('verdict', verdict, 'model', model, 'reason', reason),
                given_at, overrides.program_version, 3, overrides.id
            FROM overrides JOIN former_readings ON former_readings.id = overrides.reading
                JOIN readings ON readings.id = overrides.reading
        ) ORDER BY said_at, place, row;
    DROP TABLE former_readings;
    DROP TABLE overrides;
    DROP TABLE intervals;
    DROP TABLE readings;
    CREATE INDEX history_by_slot ON history (content_hash, rater, sitting, kind, subject, said_at, id);
    CREATE INDEX history_by_rater ON history (rater, kind, sitting);
    CREATE TRIGGER history_is_kept BEFORE DELETE ON history
        BEGIN SELECT RAISE(ABORT, 'what was said is never deleted, it is withdrawn'); END;
    CREATE TRIGGER history_stays_as_said BEFORE UPDATE ON history
        BEGIN SELECT RAISE(ABORT, 'what was said is never changed, another row follows'); END;
    CREATE TABLE clips (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        content_hash TEXT NOT NULL CHECK (length(content_hash) = 64),
        file_name TEXT NOT NULL,
        frames INTEGER NOT NULL,
        fps REAL NOT NULL,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        patient TEXT NOT NULL,
        study TEXT NOT NULL,
        series TEXT NOT NULL,
        source TEXT NOT NULL,
        UNIQUE (content_hash, file_name, frames, fps, width, height, patient, study, series, source)
    );
    CREATE TABLE verdicts (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        uid TEXT NOT NULL UNIQUE CHECK (length(uid) = 32),
        content_hash TEXT NOT NULL CHECK (length(content_hash) = 64),
        file_name TEXT NOT NULL,
        model_id TEXT NOT NULL,
        model_version TEXT NOT NULL,
        model_sha256 TEXT NOT NULL,
        label TEXT NOT NULL,
        p_absent REAL,
        low REAL,
        high REAL,
        threshold REAL NOT NULL,
        motion_index REAL,
        quality TEXT NOT NULL,
        line_source TEXT NOT NULL,
        said_at TEXT NOT NULL,
        program_version TEXT NOT NULL
    );
    CREATE INDEX verdicts_by_clip ON verdicts (content_hash, said_at, id);
    CREATE TABLE masks (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        uid TEXT NOT NULL UNIQUE CHECK (length(uid) = 32),
        series TEXT NOT NULL CHECK (series <> ''),
        rectangles TEXT NOT NULL CHECK (json_valid(rectangles)),
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        approved_by TEXT NOT NULL CHECK (approved_by <> ''),
        approved_at TEXT NOT NULL,
        program_version TEXT NOT NULL
    );
    CREATE TRIGGER clips_are_kept BEFORE DELETE ON clips
        BEGIN SELECT RAISE(ABORT, 'what is known of a clip is never deleted'); END;
    CREATE TRIGGER clips_stay BEFORE UPDATE ON clips
        BEGIN SELECT RAISE(ABORT, 'what is known of a clip is never changed, another row follows'); END;
    CREATE TRIGGER verdicts_are_kept BEFORE DELETE ON verdicts
        BEGIN SELECT RAISE(ABORT, 'a verdict is never deleted'); END;
    CREATE TRIGGER verdicts_stay BEFORE UPDATE ON verdicts
        BEGIN SELECT RAISE(ABORT, 'a verdict is never changed, another row follows'); END;
    CREATE TRIGGER masks_are_kept BEFORE DELETE ON masks
        BEGIN SELECT RAISE(ABORT, 'an approval is never deleted'); END;
    CREATE TRIGGER masks_stay BEFORE UPDATE ON masks
        BEGIN SELECT RAISE(ABORT, 'an approval is never changed, another row follows'); END;
    CREATE TABLE store (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    INSERT INTO store VALUES ('key', lower(hex(randomblob(32))));
    """,
)
"""Scripts that lead from one version to the next. A script that was released is never edited: a new one is added."""

VERSION = len(MIGRATIONS)
"""The version that this program writes (`PRAGMA user_version`)."""


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a store up to `VERSION`, one transaction a step, so that a power cut leaves a whole version behind.

    Two programs may try at once: whoever comes second finds the step done.
    """
    while stored_version(connection) < VERSION:
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = stored_version(connection)
            if version < VERSION:
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                for statement in _statements(MIGRATIONS[version]):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {version + 1}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # a full disk has ended it already
                connection.execute("ROLLBACK")
            raise


def _statements(script: str) -> Iterator[str]:
    """Split a script; `executescript` would end the transaction around it."""
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if statement.strip() and sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def foreign_parts(connection: sqlite3.Connection) -> list[str]:
    """Return the names of views, triggers and tables that no lsgui made: such a part runs whatever its maker liked."""
    ours = {_plain(statement) for script in MIGRATIONS for statement in _statements(script)}
    taken = {made[1] for statement in ours if (made := re.match(r"CREATE TABLE (\w+)", statement))}
    rows = connection.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master").fetchall()
    return [
        str(name)
        for kind, name, sql in rows
        if _plain(str(sql)) not in ours
        and (kind in ("view", "trigger") or name in taken or str(sql).upper().startswith("CREATE VIRTUAL"))
    ]


def _plain(statement: str) -> str:
    return " ".join(statement.split()).rstrip("; ")


def stored_version(connection: sqlite3.Connection) -> int:
    """Return the version a store was written with; 0 for a new file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def is_annotation_store(connection: sqlite3.Connection) -> bool:
    """Return whether the file carries the mark of an annotation store."""
    return int(connection.execute("PRAGMA application_id").fetchone()[0]) == APPLICATION_ID
