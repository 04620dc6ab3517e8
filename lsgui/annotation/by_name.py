"""Labels of clips that were not at hand: kept under the clip's name, and moved to the clip once it is there.

A list of labels from elsewhere names clips; the store knows them by their content. Until the clip is at hand a hash of
its name stands in, so that nothing of the list is lost.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace

from lsgui.annotation.exchange import uid_of
from lsgui.annotation.store import AnnotationStore
from lsgui.core.file_names import text_name
from lsgui.core.reading import Statement, StatementKind

_ORDER = tuple(StatementKind)


def hash_by_name(file_name: str) -> str:
    """Return what stands for the content hash of a clip that is known by its name only, 64 hexadecimal digits."""
    return hashlib.sha256(f"lsgui: a clip known by its name only\0{text_name(file_name)}".encode()).hexdigest()


def is_by_name(content_hash: str, file_name: str) -> bool:
    """Return whether a label was kept under its clip's name, for the clip was not at hand."""
    return content_hash == hash_by_name(file_name)


def kept_by_name(store: AnnotationStore) -> tuple[str, ...]:
    """Return the names of clips whose labels are kept by name."""
    names = {said.file_name: None for said in store.standing() if is_by_name(said.content_hash, said.file_name)}
    return tuple(names)


def bind_clips(store: AnnotationStore, known: Mapping[str, str]) -> int:
    """Move what is kept under clips' names, and what is known of these clips, to their content.

    Parameters
    ----------
    known
        Content hash by file name, for clips that are at hand now.

    Returns
    -------
    int
        How many statements the store has more.
    """
    waiting = [said for name in known for said in store.standing(hash_by_name(name))]
    if not waiting:
        return 0
    there = [said for digest in set(known.values()) for said in store.standing(digest)]
    facts = store.clips()
    moved = [
        replace(facts[hash_by_name(name)], content_hash=digest)
        for name, digest in known.items()
        if hash_by_name(name) in facts and digest not in facts
    ]
    return store.merge(bind((*waiting, *there), known), moved)


def bind(standing: Iterable[Statement], known: Mapping[str, str]) -> tuple[Statement, ...]:
    """Return the statements that move labels kept by name to their clips.

    Parameters
    ----------
    known
        Content hash by file name, for clips that are at hand now. What a rater said of the clip itself stays.
    """
    standing = tuple(standing)
    taken = {said.slot for said in standing}
    out: list[Statement] = []
    new_uid: dict[str, str] = {}
    moving = [s for s in standing if s.file_name in known and is_by_name(s.content_hash, s.file_name)]
    for said in sorted(moving, key=lambda said: _ORDER.index(said.kind)):
        subject = new_uid.get(said.subject, said.subject)
        there = replace(said, content_hash=known[said.file_name], subject=subject)
        there = replace(there, uid=uid_of(there, said.uid))
        new_uid[said.uid] = there.uid
        if there.slot not in taken:
            out.append(there)
        gone = replace(said, value=None)
        out.append(replace(gone, uid=uid_of(gone, said.uid)))
    return tuple(out)
