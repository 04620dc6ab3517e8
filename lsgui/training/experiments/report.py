"""The report of an experiment: Markdown and CSV with the measured figures beside the paper's, and the index of all.

OUT/report/README.md                    the index (of `all`)
OUT/report/<experiment>/README.md       the report
OUT/report/<experiment>/table.csv       one row a figure
OUT/report/<experiment>/*.png           history, confusion, comparison
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lsgui.core.atomic_file import atomic_file, write_atomic
from lsgui.training.evaluation.metrics import NAMES, Metrics, Value
from lsgui.training.experiments.catalogue import METRICS, Experiment
from lsgui.training.experiments.figures import COMPARISON, CONFUSION, HISTORY, draw_figures
from lsgui.training.experiments.plan import SIZE_SETTINGS, Trial
from lsgui.training.experiments.result import Outcome, SetSize
from lsgui.training.experiments.tables import COMPARED, VariantRow, variant_rows

REPORT, TABLE = "README.md", "table.csv"
COLUMNS: Final = (
    "experiment", "varied", "variant", "trained_value", "unit", "threshold", "metric", "value", "low", "high", "paper",
    "n", "absent", "patients", "data", "seed", "note",
)  # fmt: skip

_TITLES = {"f1": "F1", "auc": "AUC"}
_CAPTIONS = {
    COMPARISON: "measured, with 95 % intervals by patient, and the paper's figures",
    HISTORY: "loss, accuracy and recall in every epoch",
    CONFUSION: "confusion matrices of the test windows",
}


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What was trained on.

    Attributes
    ----------
    name
        The folder's name.
    clips, absent, patients, sources
        What it holds.
    missing
        Clips that the data set names and the folder lacks.
    """

    name: str
    clips: int
    absent: int
    patients: int
    sources: tuple[str, ...]
    missing: int = 0

    @property
    def words(self) -> str:
        """Return the data set in words, with its counts."""
        lacking = f"; {self.missing} named clips are not there" if self.missing else ""
        return (
            f"`{self.name}`: {_counted(self.clips, 'clip')} ({self.absent} ls_a, {self.clips - self.absent} ls_p) of "
            f"{_counted(self.patients, 'patient')}, source {', '.join(self.sources)}{lacking}"
        )


def write_report(
    out: Path,
    trials: Sequence[Trial],
    outcomes: Mapping[str, Outcome],
    faults: Mapping[str, str],
    data: DataFacts,
    command: str,
) -> tuple[Path, ...]:
    """Write the report of every experiment among the trials, and the index where there is more than one.

    Parameters
    ----------
    outcomes, faults
        By the trial's name.
    command
        What was typed, for whoever wants to repeat it.

    Returns
    -------
    tuple of Path
        The reports, the index first where there is one.
    """
    written = []
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(trial.experiment.name, []).append(trial)
    every: list[tuple[Experiment, tuple[VariantRow, ...]]] = []
    for name, members in groups.items():
        rows = variant_rows(members, outcomes, faults)
        folder = out / name
        draw_figures(rows, folder, _about(rows, data))
        write_atomic(folder / REPORT, report_text(rows, data, command).encode("utf-8"))
        _write_table(rows, folder / TABLE, data)
        written.append(folder / REPORT)
        every.append((members[0].experiment, rows))
    if len(every) > 1:
        write_atomic(out / REPORT, _index(every, data, command).encode("utf-8"))
        written.insert(0, out / REPORT)
    return tuple(written)


def not_the_papers(trials: Sequence[Trial]) -> tuple[str, ...]:
    """Return the settings that are not the paper's, each in words, those of size first."""
    found: dict[str, list[str]] = {}
    for trial in trials:
        for name, (here, paper) in trial.changed().items():
            words = f"{_plain(here)} (paper {_plain(paper)})"
            found.setdefault(name, [])
            if words not in found[name]:
                found[name].append(words)
    order = sorted(found, key=lambda name: (name not in SIZE_SETTINGS, name))
    return tuple(f"{name.replace('_', ' ')} {', '.join(found[name])}" for name in order)


def _warning(trials: Sequence[Trial], data: DataFacts) -> list[str]:
    changed = not_the_papers(trials)
    sizes = {name for trial in trials for name in trial.changed()} & set(SIZE_SETTINGS)
    lines = []
    if changed:
        what = "size" if sizes else "settings"
        lines.append(f"> **Not the paper's {what}:** {'; '.join(changed)}.")
    lines.append(f"> **Not the paper's data:** {data.words}. The paper has 171 clips of patients (32 ls_a, 139 ls_p).")
    lines.append("> The paper's figures stand beside; that they differ from those here says nothing of either.")
    return [line if n == len(lines) - 1 else f"{line}  " for n, line in enumerate(lines)]


def report_text(rows: Sequence[VariantRow], data: DataFacts, command: str) -> str:
    """Return the report of one experiment as Markdown."""
    experiment = rows[0].trial.experiment
    where = f" (the paper: {experiment.place})" if experiment.place else ""
    parts = [f"# {experiment.title}{where}", "", *_warning([row.trial for row in rows], data), ""]
    parts += [*_setting(rows, data, command), ""]
    failed = [row for row in rows if row.outcome is None]
    if failed:
        parts += ["## Not trained", "", *[f"- {row.trial.label}: {row.fault}" for row in failed], ""]
    done = [row for row in rows if row.outcome is not None]
    if done:
        parts += [*_as_the_paper_counts(done), "", *_per_clip(done), ""]
        if any(row.differences for row in done):
            parts += [*_compared(done), ""]
        parts += ["## Figures", "", *_pictures(), ""]
    if experiment.notes:
        parts += ["## Notes on the paper", "", *[f"- {note}" for note in experiment.notes], ""]
    return "\n".join(parts)


def _setting(rows: Sequence[VariantRow], data: DataFacts, command: str) -> list[str]:
    first = rows[0].trial
    lines = [
        f"- Network: {first.experiment.model}; seed {first.recipe.seed}; the same split and seed for every variant.",
        f"- Data: {data.words}; split by patient.",
    ]
    done = [row.outcome for row in rows if row.outcome is not None]
    if done:
        sets = "; ".join(f"{name} {_size(size)}" for name, size in done[0].sets.items())
        lines.append(f"- Sets after balancing: {sets}.")
        lines.append(f"- Device: {done[0].device}; {sum(o.seconds for o in done) / 60:.1f} minutes in all.")
    return [*lines, "", "```", command, "```"]


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _size(size: SetSize) -> str:
    return f"{_counted(size.clips, 'clip')} ({size.absent} ls_a, {_counted(size.patients, 'patient')})"


def _as_the_paper_counts(rows: Sequence[VariantRow]) -> list[str]:
    names = [name for name in METRICS if any(name in row.trial.variant.paper for row in rows)]
    names = names or ["recall", "specificity"]
    printed = any(row.trial.variant.paper for row in rows)
    papers = {name: _column_of([row.trial.variant.paper.get(name) for row in rows]) for name in names if printed}
    head = [_column(rows), "windows (ls_a)"]
    for name in names:
        title = _TITLES.get(name, name)
        head += [f"{title}, paper", f"{title}, here"] if papers else [title]
    table = [[*head, "AUC, here" if papers else "AUC"]]
    for n, row in enumerate(rows):
        assert row.windows is not None
        line = [_name(row), _count(row.windows)]
        for name in names:
            line += [papers[name][n]] if papers else []
            line.append(_words(getattr(row.windows, name)))
        table.append([*line, _words(row.windows.auc)])
    text = (
        "Each window of the test clips counts, called absent where the network's logit is above 0. In brackets the "
        "95 % interval by patient; the paper gives none."
    )
    values = [getattr(row.windows, name) for row in rows for name in (*names, "auc")]
    return ["## As the paper counts", "", text, "", *_markdown(table), *_reasons(values)]


def _per_clip(rows: Sequence[VariantRow]) -> list[str]:
    table = [[_column(rows), "clips (ls_a)", "threshold", "recall", "specificity", "F1", "AUC", "calibration error"]]
    values: list[Value] = []
    for row in rows:
        clips, outcome = row.clips, row.outcome
        assert clips is not None
        assert outcome is not None
        figures = (clips.recall, clips.specificity, clips.f1, clips.auc, clips.calibration_error)
        table.append([_name(row), _count(clips), f"{outcome.threshold:.2f}", *map(_words, figures)])
        values += figures
    sources = {row.outcome.threshold_source for row in rows if row.outcome is not None}
    text = "Each test clip counts once, by its calibrated probability."
    text += f" Threshold: {sources.pop()}." if len(sources) == 1 else " The threshold comes from the validation set."
    return ["## Per clip", "", text, "", *_markdown(table), *_reasons(values)]


def _compared(rows: Sequence[VariantRow]) -> list[str]:
    reference = next(row for row in rows if row.is_reference)
    table = [[_column(rows), *[f"{_TITLES.get(name, name)}, difference" for name in COMPARED]]]
    for row in rows:
        if row.differences:
            table.append([_name(row), *[_signed(row.differences[name]) for name in COMPARED]])
    told = [_excludes_zero(value) for value in _all_differences(rows) if value.low is not None]
    total, sure = len(told), sum(told)
    head = (
        f"Each variant minus {_column(rows)} {reference.trial.label}, on the same test clips, with the 95 % interval "
        "of a bootstrap that draws the same patients for both."
    )
    start = [f"## Against {reference.trial.label}", "", head, "", *_markdown(table)]
    if not told:
        return [*start, *_reasons(_all_differences(rows))]
    verdict = f"Of {total} differences {sure} have an interval without 0"
    verdict += "; where it holds 0, these data cannot tell the two apart." if sure < total else "."
    chance = " With this many comparisons one in twenty would by chance alone." if sure else ""
    return [*start, "", verdict + chance]


def _all_differences(rows: Sequence[VariantRow]) -> list[Value]:
    return [value for row in rows for value in row.differences.values()]


def _reasons(values: Sequence[Value]) -> list[str]:
    """Return, as a paragraph, why figures or intervals are missing and which are too narrow."""
    said = dict.fromkeys(text for value in values for text in (value.reason, value.note) if text)
    if not said:
        return []
    sentence = "; ".join(said)
    return ["", f"{sentence[0].upper()}{sentence[1:]}."]


def _excludes_zero(value: Value) -> bool:
    return value.low is not None and value.high is not None and not value.low <= 0.0 <= value.high


def _pictures() -> list[str]:
    return [f"![{_CAPTIONS[name]}]({name})\n" for name in (COMPARISON, HISTORY, CONFUSION)]


def _index(every: Sequence[tuple[Experiment, Sequence[VariantRow]]], data: DataFacts, command: str) -> str:
    trials = [row.trial for _, rows in every for row in rows]
    parts = ["# The paper's experiments", "", *_warning(trials, data), ""]
    table = [
        ["experiment", "paper", "variant", "recall, paper", "recall, here", "specificity, paper", "specificity, here"]
    ]
    for experiment, rows in every:
        papers = {
            name: _column_of([row.trial.variant.paper.get(name) for row in rows]) for name in ("recall", "specificity")
        }
        for n, row in enumerate(rows):
            first = f"[{experiment.title}]({experiment.name}/{REPORT})" if n == 0 else ""
            place = experiment.place if n == 0 else ""
            line = [first, place, row.trial.label]
            for name in ("recall", "specificity"):
                value = row.value(name)
                line += [papers[name][n], "not trained" if value is None else _words(value)]
            table.append(line)
    text = "Windows of the test clips at even odds, as the paper counts; in brackets the 95 % interval by patient."
    parts += [text, "", *_markdown(table), "", "```", command, "```", ""]
    return "\n".join(parts)


def _write_table(rows: Sequence[VariantRow], path: Path, data: DataFacts) -> None:
    with atomic_file(path, newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for row in rows:
            table.writerows(_records(row, data))


def _records(row: VariantRow, data: DataFacts) -> list[list[str]]:
    trial, outcome = row.trial, row.outcome
    start = [trial.experiment.name, trial.experiment.varied, trial.variant.name, trial.label]
    end = [data.name, str(trial.recipe.seed)]
    if outcome is None or row.windows is None or row.clips is None:
        papers = trial.variant.paper.items() or [("recall", None)]
        return [[*start, "window", "", m, "", "", "", _exact(p), "", "", "", *end, row.fault] for m, p in papers]
    out = []
    for unit, odds, found in (("window", outcome.even_odds, row.windows), ("clip", outcome.threshold, row.clips)):
        counts = [str(found.n), str(found.absent), str(found.patients)]
        for name in NAMES:
            paper = trial.variant.paper.get(name) if unit == "window" else None
            value = getattr(found, name)
            figures = [_exact(value.value), _exact(value.low), _exact(value.high), _exact(paper)]
            out.append([*start, unit, _exact(odds), name, *figures, *counts, *end, value.reason or value.note])
    for name, value in row.differences.items():
        figures = [_exact(value.value), _exact(value.low), _exact(value.high), ""]
        what = f"{name} minus that of {trial.experiment.reference}"
        out.append([*start, "window", "", what, *figures, *counts, *end, value.reason])
    return out


def _about(rows: Sequence[VariantRow], data: DataFacts) -> str:
    done = [row for row in rows if row.outcome is not None and row.windows is not None]
    recipe = rows[0].trial.recipe
    if not done or done[0].outcome is None or done[0].windows is None:
        return f"Data set {data.name}, seed {recipe.seed}."
    test, windows = done[0].outcome.sets["test"], done[0].windows
    kinds = ", ".join(data.sources)
    counts = f"{_counted(test.clips, 'test clip')} ({_counted(windows.n, 'window')})"
    held = {
        "size": f"{recipe.size} px",
        "frames": f"{recipe.frames} frames",
        "epochs": _counted(recipe.epochs, "epoch"),
    }
    held.pop(rows[0].trial.experiment.varied, None)
    return (
        f"Data set {data.name} ({kinds} clips), n = {counts} of {_counted(test.patients, 'patient')}, "
        f"{', '.join(held.values())}, seed {recipe.seed}."
    )


def _column(rows: Sequence[VariantRow]) -> str:
    return rows[0].trial.experiment.varied.replace("_", " ") or "network"


def _name(row: VariantRow) -> str:
    asked, trained = row.trial.variant.name, row.trial.label
    return trained if asked == trained or not row.trial.experiment.varied else f"{trained} (paper {asked})"


def _count(found: Metrics) -> str:
    return f"{found.n} ({found.absent})"


def _words(value: Value) -> str:
    return "–" if value.value is None else value.words().replace("-", "–")


def _signed(value: Value) -> str:
    if value.value is None:
        return "–"
    if value.low is None or value.high is None:
        return f"{value.value:+.2f}"
    return f"{value.value:+.2f} [{value.low:+.2f} to {value.high:+.2f}]"


def _column_of(values: Sequence[float | None]) -> list[str]:
    """Return a column of the paper's numbers with as many digits as the paper gives, and the same for all."""
    digits = max([2, *(len(f"{value:g}".partition(".")[2]) for value in values if value is not None)])
    return ["–" if value is None else f"{value:.{digits}f}" for value in values]


def _exact(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _plain(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return "/".join(f"{part:g}" if isinstance(part, float) else str(part) for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _markdown(table: Sequence[Sequence[str]]) -> list[str]:
    head, *rows = table
    return [f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *rows)]
