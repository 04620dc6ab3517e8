"""Readings of every form, for tests of labels in and out."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis.strategies as st

from lsgui.annotation.store import AnnotationStore
from lsgui.core.reading import StatementKind

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LABELS = ("ls_p", "ls_a", "cannot_assess", "lung_point")

names = st.text(min_size=1, max_size=12).filter(lambda text: text.strip() and not set(text) & set("/\\"))
awkward = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["=1+1", "'=1+1", "@SUM(A1)", "-2", "+", "a\nb", "a\r\nb", '"', "a;b,c\td", " x ", "'", "''", "\ufeffx", "＝1"]
    ),
)
hashes = st.integers(0, 5).map(lambda number: f"{number:064x}")
moments = st.integers(0, 10**12).map(lambda micro: NOON + timedelta(microseconds=micro))


@st.composite
def interval_values(draw: Any) -> dict[str, Any]:
    """What is said of an interval."""
    start = draw(st.integers(0, 900))
    stop = draw(st.none() | st.integers(start + 1, start + 400))
    return {"start": start, "stop": stop, "label": draw(st.none() | st.sampled_from(LABELS))}


lines = st.builds(
    lambda frame, x, y: {"frame": frame, "polyline": [[x, y], [x + 40.5, y + 3.25]], "source": "hand"},
    st.integers(0, 50),
    st.floats(0, 600).map(lambda value: round(value, 2)),
    st.floats(0, 400).map(lambda value: round(value, 2)),
)
said_things = st.one_of(
    st.tuples(st.just(StatementKind.LABEL), st.none() | st.sampled_from(LABELS).map(lambda label: {"label": label})),
    st.tuples(st.just(StatementKind.INTERVAL), st.none() | interval_values()),
    st.tuples(st.just(StatementKind.LINE), st.none() | lines),
    st.tuples(
        st.just(StatementKind.TAGS),
        st.none() | st.lists(st.sampled_from(["a_lines", "b_lines", "lung_pulse"]), unique=True).map(sorted),
    ),
    st.tuples(st.just(StatementKind.CONFIDENCE), st.none() | st.integers(1, 3)),
    st.tuples(st.just(StatementKind.COMMENT), st.none() | awkward),
    st.tuples(
        st.just(StatementKind.ADJUDICATION),
        st.none()
        | st.builds(lambda label, of: {"label": label, "of": of}, st.sampled_from(LABELS), st.lists(names, max_size=2)),
    ),
)


@st.composite
def histories(draw: Any) -> list[dict[str, Any]]:
    """What raters say one after another: arguments of `AnnotationStore.say`, with overrides marked by "reason"."""
    raters = draw(st.lists(names.map(str.strip), min_size=1, max_size=2, unique=True))
    files = {digest: draw(names) for digest in (f"{number:064x}" for number in range(6))}
    out = []
    for _ in range(draw(st.integers(1, 12))):
        kind, value = draw(said_things)
        digest = draw(hashes)
        out.append(
            {
                "content_hash": digest,
                "file_name": files[digest],
                "rater": draw(st.sampled_from(raters)),
                "kind": kind,
                "value": value,
                "subject": draw(st.sampled_from(["m1", "m2"])) if kind is StatementKind.INTERVAL else "",
                "sitting": draw(st.integers(1, 2)),
                "blind": draw(st.booleans()),
                "when": draw(moments),
                "reason": draw(st.none() | awkward),
            }
        )
    return out


def fill(store: AnnotationStore, history: list[dict[str, Any]]) -> None:
    """Say it all; a label with a reason is said to contradict a verdict."""
    for entry in history:
        plain = dict(entry)
        reason = plain.pop("reason")
        said = store.say(**plain)
        if said.kind is StatementKind.LABEL and said.value is not None and reason is not None:
            value = {"verdict": "ls_p", "model": "motion 2", "reason": reason}
            override = {**plain, "kind": StatementKind.OVERRIDE, "value": value, "subject": said.uid}
            store.say(**override)


def new_store(folder: Path, name: str) -> AnnotationStore:
    """Return an empty store, whatever an earlier example left there; for speed it does not wait for the disk."""
    template = folder / "template.sqlite"
    if not template.exists():
        AnnotationStore(template).close()
    for left in folder.glob(f"{name}.sqlite*"):
        left.unlink()
    shutil.copy(template, folder / f"{name}.sqlite")
    store = AnnotationStore(folder / f"{name}.sqlite")
    store._connection.execute("PRAGMA synchronous = OFF")
    return store
