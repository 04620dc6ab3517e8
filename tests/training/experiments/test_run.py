"""Networks are trained one after the other; what is finished stays, what fails does not stop the others."""

from dataclasses import replace
from pathlib import Path

import pytest
from acted_training import DATA, OUT_OF_MEMORY, ActedTraining, acted_outcome

from lsgui.core.errors import DatasetError
from lsgui.training.experiments.catalogue import find_experiments
from lsgui.training.experiments.plan import choose_trials, plan_trials
from lsgui.training.experiments.result import RESULT_FILE, read_outcome
from lsgui.training.experiments.run import Standing, run_trials

TRIALS = plan_trials(find_experiments("dropout"), ["epochs=2"])
NAMES = [trial.name for trial in TRIALS]


def test_an_outcome_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    run_trials(TRIALS[:1], tmp_path, DATA, ActedTraining())
    found = read_outcome(tmp_path / "runs" / NAMES[0])
    assert found is not None
    wanted = acted_outcome(TRIALS[0])
    assert found.scores == wanted.scores
    assert found.sets == wanted.sets
    assert [repr(row) for row in found.history] == [repr(row) for row in wanted.history]  # nan is not itself
    assert found.fingerprint


def test_what_is_finished_is_not_trained_again(tmp_path: Path) -> None:
    first = ActedTraining({NAMES[2]: OUT_OF_MEMORY})
    one = run_trials(TRIALS, tmp_path, DATA, first)
    assert first.trained == NAMES
    assert one.faults == {NAMES[2]: str(OUT_OF_MEMORY)}
    second = ActedTraining()
    two = run_trials(TRIALS, tmp_path, DATA, second, resume=True)
    assert second.trained == [NAMES[2]]
    assert two.trained == [NAMES[2]]
    assert not two.faults
    assert two.outcomes[NAMES[0]].scores == one.outcomes[NAMES[0]].scores
    third = ActedTraining()
    assert len(run_trials(TRIALS, tmp_path, DATA, third, resume=True).outcomes) == 4
    assert third.trained == []


def test_a_fault_of_the_program_does_not_stop_the_others_either(
    tmp_path: Path, expected_log_warnings: list[object]
) -> None:
    fault = ZeroDivisionError("division by zero")
    train = ActedTraining({NAMES[0]: fault})
    summary = run_trials(TRIALS, tmp_path, DATA, train)
    assert train.trained == NAMES
    assert list(summary.outcomes) == NAMES[1:]
    assert summary.faults[NAMES[0]] == "a fault of the program (ZeroDivisionError: division by zero)"
    assert summary.broken is fault
    assert expected_log_warnings


def test_runs_of_an_earlier_call_are_not_overwritten(tmp_path: Path) -> None:
    run_trials(TRIALS, tmp_path, DATA, ActedTraining())
    with pytest.raises(DatasetError, match=r"already holds dropout/0\.4: go on with --resume"):
        run_trials(TRIALS, tmp_path, DATA, ActedTraining())


def test_results_of_other_settings_or_data_are_not_put_into_one_table(tmp_path: Path) -> None:
    run_trials(TRIALS, tmp_path, DATA, ActedTraining())
    other = plan_trials(find_experiments("dropout"), ["epochs=3"])
    for trials, data in ((other, DATA), (TRIALS, {"rows": []})):
        with pytest.raises(DatasetError, match="other settings or data"):
            run_trials(trials, tmp_path, data, ActedTraining(), resume=True)
    more_threads = plan_trials(find_experiments("dropout"), ["epochs=2", "workers=2"])
    assert len(run_trials(more_threads, tmp_path, DATA, ActedTraining(), resume=True).outcomes) == 4


def test_one_variant_alone_leaves_the_others_for_later(tmp_path: Path) -> None:
    train = ActedTraining()
    summary = run_trials(TRIALS, tmp_path, DATA, train, chosen=choose_trials(TRIALS, ["0.5"]))
    assert train.trained == [NAMES[1]]
    assert list(summary.outcomes) == [NAMES[1]]
    rest = ActedTraining()
    assert len(run_trials(TRIALS, tmp_path, DATA, rest, resume=True).outcomes) == 4
    assert NAMES[1] not in rest.trained


def test_a_damaged_result_is_named(tmp_path: Path) -> None:
    run_trials(TRIALS, tmp_path, DATA, ActedTraining())
    path = tmp_path / "runs" / NAMES[1] / RESULT_FILE
    path.write_text(path.read_text()[:100])
    with pytest.raises(DatasetError, match=r"result\.json is damaged"):
        run_trials(TRIALS, tmp_path, DATA, ActedTraining(), resume=True)


def test_the_time_left_comes_from_what_was_trained_before(tmp_path: Path) -> None:
    half = [replace(TRIALS[0], recipe=TRIALS[0].recipe.model_copy(update={"size": 128})), *TRIALS[1:]]
    run_trials(half[:1], tmp_path, DATA, ActedTraining())  # says that it took 30 seconds
    seen: list[Standing] = []
    run_trials(half, tmp_path, DATA, ActedTraining(), resume=True, report=seen.append)
    assert [(s.done, s.total) for s in seen] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert seen[0].left_s == pytest.approx(3 * 4 * 30.0)  # three networks on four times as many pixels
    assert seen[-1].trial is None


def test_an_out_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(DatasetError, match="cannot be made"):
        run_trials(TRIALS, tmp_path / "out", DATA, ActedTraining())
