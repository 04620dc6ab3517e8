"""The verdicts of `lsgui predict` on their way to the audit log; that it cannot be written costs no answer."""

from contextlib import ExitStack

import typer

from lsgui.annotation.audit_entries import AuditKind
from lsgui.annotation.audit_facts import verdict_facts
from lsgui.annotation.audit_writer import AuditEvent, AuditWriter
from lsgui.cli.predict_output import Said
from lsgui.cli.predict_work import ClipOutcome
from lsgui.review.paths import audit_file


class AuditOutput:
    """An entry in this user's audit log for each verdict as it comes; one warning at the end for those that are not.

    What cannot be written while another program writes, or the disk is full, is tried again with each later verdict.
    """

    def __init__(self, stack: ExitStack) -> None:
        self._writer = AuditWriter(audit_file)
        stack.callback(self._finish)

    def answer(self, outcome: ClipOutcome, said: Said) -> None:
        """Enter the verdict."""
        if outcome.prediction is not None:
            facts = verdict_facts(outcome.content, outcome.prediction, "predict")
            self._writer.add(AuditEvent(AuditKind.VERDICT, facts))

    def fault(self, clip: str, sentence: str) -> None:
        """Nothing: a clip without an answer has no verdict."""

    def _finish(self) -> None:
        fault = self._writer.write()
        if self._writer.waiting:
            many = f"{self._writer.waiting} verdict{'s are' if self._writer.waiting > 1 else ' is'}"
            typer.echo(f"lsgui: warning: {many} not in the audit log. {fault}", err=True)
