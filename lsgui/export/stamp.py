"""What stands on everything that leaves: program, model, clip and time, so that it can be traced years later."""

from dataclasses import dataclass
from datetime import UTC, datetime

from lsgui import __version__
from lsgui.core.label import RESEARCH_LINE
from lsgui.core.prediction import ModelRef

SHORT_HASH = 8
"""Digits of a clip's content hash by which people name it."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Where an exported file comes from.

    Attributes
    ----------
    content_hash
        SHA-256 of the clip, 64 hexadecimal digits.
    made_at
        The moment of the export, with its time zone.
    model
        The model whose verdict is shown; None where no verdict is.
    program_version
        The lsgui that made it.
    """

    content_hash: str
    made_at: datetime
    model: ModelRef | None = None
    program_version: str = __version__

    @classmethod
    def now(cls, content_hash: str, model: ModelRef | None = None) -> "Stamp":
        """Return the stamp of this moment."""
        return cls(content_hash, datetime.now(UTC), model)

    @property
    def clip_id(self) -> str:
        """The short name of the clip: the first digits of its hash, which name no patient and no file."""
        return self.content_hash[:SHORT_HASH]

    @property
    def program(self) -> str:
        """Name and version of the program."""
        return f"lsgui {self.program_version}"

    @property
    def model_words(self) -> str:
        """Model, version and the first digits of its hash; "no model" where no verdict is shown."""
        if self.model is None:
            return "no model"
        sha = f" ({self.model.sha256[:12]})" if self.model.sha256 else ""
        return f"model {self.model.id} {self.model.version}".rstrip() + sha

    @property
    def utc(self) -> str:
        """The moment in UTC, ISO 8601: "2026-11-23T17:20:11Z"."""
        return f"{self.made_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"

    @property
    def local(self) -> str:
        """The moment by this machine's clock with its offset: "2026-11-23 18:20:11 UTC+01:00"."""
        iso = self.made_at.astimezone().isoformat(timespec="seconds")
        return f"{iso[:10]} {iso[11:19]} UTC{iso[19:]}"

    @property
    def line(self) -> str:
        """All of it in one line."""
        return f"{self.program} · {self.model_words} · clip {self.clip_id} · {self.utc}"

    def columns(self) -> dict[str, str]:
        """Return it as columns of a table."""
        model = self.model
        return {
            "model": "" if model is None else model.id,
            "model_version": "" if model is None else model.version,
            "model_sha256": "" if model is None else model.sha256,
            "clip_sha256": self.content_hash,
            "program": self.program,
            "exported_utc": self.utc,
            "exported_local": self.local,
            "note": RESEARCH_LINE,
        }
