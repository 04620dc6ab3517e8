"""The figures in the documents are those that were recorded, and what the documents point to is there."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
WORDS = {0: "none", 1: "one", 2: "two", 6: "six", 10: "ten"}
HELP = ROOT / "resources" / "help"


def _json(path: str) -> Any:
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


def _text(name: str) -> str:
    return " ".join((HELP / f"{name}.md").read_text(encoding="utf-8").replace("*", "").split())


REPORT = _json("trained_models/cmwru-strip/report.json")
FLAGS = _json("packaging/quality_flags.json")
LINES = _json("packaging/pleura_finder.json")
MISUSE = {kind: rows["all"] for kind, rows in _json("resources/misuse.json")["misuse"].items()}
LOOK = _json("resources/lung_look.json")["unseen: refused, looked at"]


def _left_out(kind: str, corruption: str = "") -> Any:
    return next(e for e in REPORT["leave_one_patient_out"] if (e["kind"], e["corruption"]) == (kind, corruption))


def _simulated(kind: str, *, absent: bool) -> Any:
    return next(e for e in REPORT["simulated"]["scenarios"] if (e["kind"], e["absent"]) == (kind, absent))


def _called(entry: Any, who: str, what: str) -> str:
    return f"{entry[who][what]} of {entry['clips']}"


def _held_absent(kind: str) -> str:
    return f"simulated: verdict absent {_called(_simulated(kind, absent=False), 'verdict', 'absent')}"


def _flagged(origin: str, flag: str) -> str:
    return "{} of {}".format(*FLAGS[origin][flag]["with fault"])


def _refused(origin: str, *rows: str) -> str:
    return f"{origin}: {sum(LOOK[origin][r][0] for r in rows)} of {sum(LOOK[origin][r][1] for r in rows)}"


def _misjudged(origin: str) -> str:
    row = MISUSE[origin]
    return f"{row['verdict along the own line']} and {row['verdict along a drawn line']} of {row['clips']} {origin}"


def _sentences() -> list[str]:
    pulse, coded = _left_out("hard_pulse"), _left_out("hard_pulse", "h264")
    mirror, matched, drift = _left_out("mirror"), _left_out("mirror_matched"), _left_out("hard_drift")
    point = _simulated("lung_point", absent=True)
    found, none = LINES["with_line"]["all"], LINES["without_line"]["all"]
    drawn = round(none["clips"] * (1 - none["refused"]))
    sound = [_left_out("original", kind) for kind in ("", "h264", "slow", "gain_step", "noise")]
    assert {entry["verdict"]["absent"] for entry in sound} == {0}
    edits = [_left_out(kind) for kind in ("frozen", "hard", "hard_pulse", "hard_drift", "line_kept")]
    both, aside = mirror["clips"] + matched["clips"], mirror["verdict"]["aside"] + matched["verdict"]["aside"]
    return [
        f"network {_called(pulse, 'network', 'present')}, verdict {_called(pulse, 'verdict', 'present')}; after H.264 "
        f"at a low rate the verdict too, {_called(coded, 'verdict', 'present')}",
        f"network {_called(mirror, 'network', 'present')}, verdict {_called(mirror, 'verdict', 'present')}; with the "
        f"lung's own contrast verdict {_called(matched, 'verdict', 'present')}",
        f"network and verdict {_called(drift, 'network', 'present')}",
        f"verdict present {_called(point, 'verdict', 'present')}, set aside both",
        f"(recorded sweeps: {_flagged('recorded', 'probe_motion')} flagged; simulated tilts and slides: "
        f"{_flagged('simulated', 'probe_motion')})",
        f"(simulated {_flagged('simulated', 'mixed_classes')}, edited {_flagged('recorded', 'mixed_classes')})",
        f"(B-lines run together) | {_held_absent('white_lung')}",
        f"slides | {_held_absent('lung_point')}",
        f"ordinary sliding | {_held_absent('sliding')}",
        f"shallow breathing | {_held_absent('shallow')}",
        f"(`duplicate_frames`: simulated {_flagged('simulated', 'duplicate_frames')}, recorded "
        f"{_flagged('recorded', 'duplicate_frames')} flagged",
        f"{found['wrong_lines']} of {round(found['clips'] * found['found'])} suggested lines wrong; on {drawn} of "
        f"{none['clips']} clips without a pleura a line was suggested",
        f"Of ten recorded sliding clips {WORDS[sound[0]['verdict']['aside']]} is set aside, of "
        f"{sum(e['clips'] for e in edits)} edited absent ones "
        f"{WORDS[sum(e['verdict']['aside'] for e in edits)]}",
        f"of {both} mirrors {WORDS[aside]}",
        f"expected calibration error {REPORT['simulated']['expected_calibration_error']:.2f}",
        *map(_misjudged, MISUSE),
        f"heart | {_refused('simulated', 'heart, apical', 'heart, parasternal')} |",
        f"moving | {_refused('simulated', 'phantom, still', 'phantom, moving')} |",
        f"muscle, eye | {_refused('simulated', 'muscle', 'eye')} |",
        f"vessel | {_refused('simulated', 'liver', 'kidney', 'bladder', 'vessel')} |",
        f"without a pleura | {_refused('simulated', 'bone')} |",
        f"air | {_refused('simulated', 'no contact')} |",
        f"as a clip | {_refused('simulated', 'M-mode sweep')} |",
        f"upside down | {_refused('simulated', 'upside down')}, {_refused('edited', 'upside down')} |",
        f"black | {_refused('drawn', 'text slides', 'menus', 'test pattern', 'black')} |",
        f"in grey | {_refused('drawn', 'room and face, grey')} |",
        f"lung pictures | {_refused('edited', 'slide show')} |",
        f"should be judged | {_refused('recorded', 'lung, whole')}, {_refused('simulated', 'lung, whole')} |",
        f"of a lung | {_refused('recorded', 'lung, cut')}, {_refused('simulated', 'lung, cut')} |",
    ]


@pytest.mark.parametrize("sentence", _sentences())
def test_known_failures_say_what_was_recorded(sentence: str) -> None:
    assert sentence in _text("failure_modes")


def test_every_risk_names_a_test_that_is_there() -> None:
    text = (HELP / "risks.md").read_text(encoding="utf-8")
    risks, tested = re.findall(r"^\| (\d+) ", text, re.MULTILINE), re.findall(r"^- (\d+): (.+)$", text, re.MULTILINE)
    assert risks == [number for number, _ in tested] == [str(k + 1) for k in range(len(risks))]
    for place in (place.strip() for _, places in tested for place in places.split(",")):
        assert place == "the same" or (ROOT / place).exists(), place


def test_the_risks_repeat_recorded_counts() -> None:
    assert "(edited clips: 0 to 1 of 10)" in _text("risks")
    worst = max(e["verdict"]["present"] for e in REPORT["leave_one_patient_out"] if e["absent"])
    assert worst == 1
    assert "(recorded clips: 0 of 10)" in _text("risks")
    assert "on 2 of 24 clips without a pleura" in _text("risks")


@pytest.mark.parametrize("name", ["intended_use", "failure_modes", "risks", "limits"])
def test_flags_commands_and_pages_that_the_documents_name_are_there(name: str) -> None:
    from lsgui.cli.main import command_modules
    from lsgui.core.prediction import QualityFlag

    text = (HELP / f"{name}.md").read_text(encoding="utf-8")
    flags = {word for word in re.findall(r"`([a-z_]+)`", text) if "_" in word}
    assert flags <= {flag.value for flag in QualityFlag}
    commands = {word.removesuffix("_command") for word in command_modules()}
    assert set(re.findall(r"`lsgui ([a-z]+)", text)) <= commands
    assert all((HELP / page).exists() for page in re.findall(r"\]\((\w+\.md)\)", text))


def test_intended_use_gives_the_limits_that_the_program_has() -> None:
    from lsgui.imaging import quality

    source = Path(quality.__file__).read_text(encoding="utf-8")
    assert "3 s or longer" in _text("intended_use")
    assert "12 frames a second or more" in _text("intended_use")
    assert re.search(r"= 3\.0\b", source)
    assert re.search(r"= 12\.0\b", source)
