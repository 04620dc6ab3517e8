"""The table of the bench: every figure readable at any width, without colour and without Unicode."""

import io

import pytest
from rich.console import Console

from lsgui.bench.part_process import PartResult
from lsgui.bench.rows import Area, BenchRow, Bound, Target
from lsgui.bench.run import BenchReport
from lsgui.bench.table import bar, number, print_report

ROWS = (
    BenchRow(Area.NETWORKS, "cmwru", 0.25, "s", 1.0, "eager PyTorch", 4.0, Target(Bound.TIMES, 3.0), "45 × 256 × 256"),
    BenchRow(Area.NETWORKS, "cmwru-strip", 0.5, "s", 1.0, "eager PyTorch", 2.0, Target(Bound.TIMES, 3.0)),
    BenchRow(Area.MANY, "a folder by many more processes than one", 3.0, "clips/s", 1.5, "one process", 2.0),
    BenchRow(Area.WINDOW, "the longest gap", 20.0, "ms", target=Target(Bound.AT_MOST, 50.0)),
    BenchRow(Area.WINDOW, "shown", 60.0, "frames/s", target=Target(Bound.AT_LEAST, 60.0)),
    BenchRow(Area.WINDOW, "at rest", 1.085, "% of a core", 1.6, "a bare window", target=Target(Bound.AT_MOST, 1.23456)),
    BenchRow(Area.MEMORY, "idle", None, "MB", target=Target(Bound.AT_MOST, 250.0), note="no window opens here"),
)
MACHINE = {
    "processor": "A processor",
    "cores": 2,
    "memory_gb": 25.3,
    "system": "Linux 6, x86_64",
    "instructions": ["AVX2"],
    "gpu": None,
    "versions": {"python": "3.11", "lsgui": "0.1.0", "torch": "2.9"},
    "gflops_float32": 148.4,
    "gflops_bfloat16": None,
    "copy_gb_s": 25.71,
}
REPORT = BenchReport(
    (
        PartResult("machine", {"machine": MACHINE}),
        PartResult("all", {}, ROWS),
        PartResult("flow", reason="flow: something that this part needs is not installed on this machine at all."),
    ),
    quick=False,
    seconds=161.0,
)


def _printed(width, encoding="utf-8"):
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding=encoding) as file:
        print_report(REPORT, Console(file=file, width=width))
        file.flush()
        return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_the_table_fits_and_says_everything(width, encoding):
    text = _printed(width, encoding)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= width
    lines = " ".join(text.split())
    for words in ("A processor, 2 cores, 25 GB, AVX2", "Limits: 148 GFLOP/s float32, 25.7 GB/s memory", "2 min 41 s"):
        assert words in lines
    for words in (
        "0.250 s",
        "1.00 s",
        "eager PyTorch",
        "4.00x",
        "3x met",
        "3x missed",
        "< 50 met",
        "> 60 met",
        "< 1.23 met",
    ):
        assert words in lines
    assert "a folder by many more processes than one" in lines
    assert "no window opens here" in lines
    assert "4 of 5 targets met" in lines, "what was not measured is neither met nor missed"
    assert "Not measured: flow: something that this part needs is not installed" in lines
    areas = [line.strip() for line in text.splitlines() if line.strip() in {area.value for area in Area}]
    assert areas == ["Networks", "Window", "Memory", "Many clips"]


@pytest.mark.parametrize(
    ("row", "drawn"),
    [
        (ROWS[0], "##.|......"),  # mark: a third of the reference, of ten cells the fourth
        (ROWS[1], "###|#....."),
        (ROWS[2], "#####....."),
        (ROWS[3], "####.....|"),
        (ROWS[4], "#########|"),
        (ROWS[6], ""),
    ],
)
def test_a_bar_is_the_part_of_the_reference_or_of_the_limit(row, drawn):
    assert bar(row, 10, "green", plain=True).plain == drawn


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.0123, "0.012"), (0.352, "0.352"), (3.021, "3.02"), (24.13, "24.1"), (1480.4, "1480")],
)
def test_figures_have_three_digits_that_mean_something(value, text):
    assert number(value) == text
