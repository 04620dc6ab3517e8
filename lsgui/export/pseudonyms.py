"""Names that stand for identifiers: always the same within a project, and of no use without its key."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lsgui.annotation.store import AnnotationStore

LEAST_KEY_BYTES = 16
SHIFT_DAYS = 3650
"""Dates are moved back by up to ten years."""


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Pseudonyms under one key (HMAC-SHA-256).

    The same identifier gives the same pseudonym wherever the key is the same, so that clips of one patient, study or
    series stay together in everything that leaves a project. Who has not got the key can neither undo nor repeat it.

    Attributes
    ----------
    key
        At least 16 bytes; kept in the annotation store (`of_store`), or drawn for one export (`for_once`).
    """

    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.key) < LEAST_KEY_BYTES:
            raise ValueError(f"a key of {len(self.key)} bytes can be guessed")

    @classmethod
    def of_store(cls, store: "AnnotationStore") -> "Pseudonyms":
        """Return those of a project, by the key of its annotation store."""
        return cls(bytes.fromhex("".join(store.pseudonym(f"lsgui export key {part}") for part in range(4))))

    @classmethod
    def for_once(cls) -> "Pseudonyms":
        """Return those of a key that nobody keeps: nothing links this export to another one."""
        return cls(secrets.token_bytes(32))

    def uid(self, original: str) -> str:
        """Return a UID (2.25 and 128 bits, PS3.5 B.2) in place of one."""
        digest = bytearray(self._digest("uid", original)[:16])
        digest[6] = (digest[6] & 0x0F) | 0x80  # version 8, RFC 9562: made by a rule of one's own
        digest[8] = (digest[8] & 0x3F) | 0x80
        return f"2.25.{int.from_bytes(digest, 'big')}"

    def code(self, kind: str, original: str) -> str:
        """Return twelve capital hexadecimal digits for an identifier; `kind` keeps patients apart from clips."""
        return self._digest(kind, original).hex()[:12].upper()

    def clip_name(self, content_hash: str) -> str:
        """Return the file name, without its ending, of what is exported from a clip."""
        return f"clip_{self.code('clip', content_hash)}"

    def shift_days(self, patient: str) -> int:
        """Return by how many days all dates of a patient are moved back, 1 to 3650."""
        return 1 + int.from_bytes(self._digest("shift", patient)[:8], "big") % SHIFT_DAYS

    def _digest(self, kind: str, original: str) -> bytes:
        return hmac.new(self.key, f"{kind}\0{original}".encode(), hashlib.sha256).digest()
