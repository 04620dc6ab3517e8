"""Newly trained weights: added from the window, they give the next verdict and stand in the preferences."""

import shutil

import pytest
from window_samples import open_clip_in, until

from lsgui.core.resources import model_dirs
from lsgui.models.card import hash_file, load_card, read_card, write_card


@pytest.fixture
def trained(tmp_path):
    """A folder as `lsgui train` leaves it: the shipped network with one weight changed, by its hash another model."""
    folder = shutil.copytree(model_dirs()[-1] / "cmwru-strip", tmp_path / "run")
    weights = folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    write_card(read_card(folder).model_copy(update={"sha256": hash_file(weights)}), folder)
    return folder


def test_a_trained_model_is_added_chosen_and_asked(review, qtbot, clips, trained, told_session):
    open_clip_in(review, qtbot, clips[0])
    review.window.commands.models.ask_folder()
    dialog = review.window.commands.dialog
    dialog.fileSelected.emit(str(trained))
    dialog.close()
    until(qtbot, lambda: review.controller.state.model_id != "motion")
    chosen = review.controller.state.model_id
    assert load_card(chosen).sha256 == read_card(trained).sha256
    assert "gives the verdicts from now on" in review.controller.state.notice
    from window_samples import draw

    draw(review)
    review.controller.analysis.analyse()
    until(qtbot, lambda: bool(told_session.requests))
    assert told_session.requests[-1].model_id == chosen
    review.window.commands.show_settings()
    choices = review.window.commands.dialog.editors["model_id"]
    assert choices.findData(chosen) >= 0
    review.window.commands.dialog.close()


def test_a_folder_without_a_model_is_refused_in_one_sentence(review, qtbot, tmp_path):
    review.window.commands.models.add(tmp_path)
    until(qtbot, lambda: bool(review.controller.state.notice))
    assert "model card cannot be read" in review.controller.state.notice
    assert review.controller.state.model_id == "motion"
