import json

import pytest

from lsgui.core.label import ReaderLabel
from lsgui.review.fingerprints import Fingerprints
from lsgui.review.json_file import DamagedFileError, save_json
from lsgui.review.paths import labels_file, log_dir, settings_file
from lsgui.review.recent import MOST, load_recent, save_recent, with_recent
from lsgui.review.settings import SettingError, Settings, load_settings, save_settings, setting_rules
from lsgui.review.state import WorklistEntry
from lsgui.review.worklist import merged, read_count
from lsgui.review.worklist_view import next_unlabelled


def test_every_folder_lies_in_the_isolated_home(home):
    for path in (settings_file(), labels_file(), log_dir()):
        assert path.is_relative_to(home)


def test_settings_come_back_as_they_were_saved(tmp_path):
    file = tmp_path / "settings.json"
    assert load_settings(file) == Settings()
    changed = Settings(theme="light", rater="R7", speed=0.5, blind=True)
    save_settings(file, changed)
    assert load_settings(file) == changed
    assert [path.name for path in tmp_path.iterdir()] == ["settings.json"]


@pytest.mark.parametrize("content", ["", "{", "[1]", '"x"', '{"speed": 99}', '{"theme": "pink"}', '{"rater": 7}'])
def test_damaged_settings_are_set_aside_and_said(tmp_path, content):
    file = tmp_path / "settings.json"
    file.write_text(content)
    with pytest.raises(DamagedFileError, match=r"settings\.json is damaged: it was kept as settings\.json\.bad"):
        load_settings(file)
    assert not file.exists()
    assert (tmp_path / "settings.json.bad").read_text() == content
    assert load_settings(file) == Settings()


def test_a_setting_of_a_newer_version_is_passed_over(tmp_path):
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"theme": "light", "from_the_future": 1}))
    assert load_settings(file).theme == "light"


def test_a_failed_save_keeps_the_former_file(tmp_path):
    file = tmp_path / "data.json"
    save_json(file, {"a": 1})
    with pytest.raises(TypeError):
        save_json(file, {"a": object()})
    assert json.loads(file.read_text()) == {"a": 1}


def test_every_setting_says_what_it_is_and_where_it_stands():
    assert len(setting_rules()) >= 11
    for name, rule in setting_rules().items():
        assert rule.title, name
        assert rule.description.endswith("."), name
        assert rule.group, name


@pytest.mark.parametrize(
    "wrong",
    [
        {"theme": "pink"},
        {"theme": 1},
        {"rater": 3},
        {"rater": "x" * 41},
        {"blind": 1},
        {"blind": "yes"},
        {"speed": 0.05},
        {"speed": float("nan")},
        {"speed": True},
        {"memory_mb": 512.5},
        {"memory_mb": None},
        {"model_id": 3},
    ],
)
def test_a_setting_refuses_what_it_cannot_be(wrong):
    with pytest.raises(SettingError, match=next(iter(wrong))):
        Settings(**wrong)
    assert Settings(speed=2).speed == 2


def test_recent_files_are_unique_newest_first_and_few(tmp_path):
    recent = ()
    for number in range(MOST + 5):
        path = tmp_path / f"{number}.mp4"
        path.touch()
        recent = with_recent(recent, path)
    recent = with_recent(recent, tmp_path / "9.mp4")
    assert len(recent) == MOST
    assert recent[0].name == "9.mp4"
    assert len(set(recent)) == MOST
    file = tmp_path / "recent.json"
    save_recent(file, recent)
    (tmp_path / "9.mp4").unlink()
    assert load_recent(file) == recent[1:]


def test_a_damaged_list_of_recent_files_is_set_aside(tmp_path):
    file = tmp_path / "recent.json"
    file.write_text('{"a": 1}')
    with pytest.raises(DamagedFileError):
        load_recent(file)
    assert (tmp_path / "recent.json.bad").exists()


def test_a_fingerprint_is_known_until_the_file_changes(tmp_path):
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"one")
    Fingerprints(tmp_path / "f.json").remember(clip, "a" * 64)
    known = Fingerprints(tmp_path / "f.json")
    assert known.get(clip) == "a" * 64
    assert "clip" not in (tmp_path / "f.json").read_text()
    clip.write_bytes(b"other")
    assert known.get(clip) is None
    assert known.get(tmp_path / "gone.mp4") is None


def entries(tmp_path, *labels):
    return tuple(WorklistEntry(tmp_path / f"{i}.mp4", f"{i}.mp4", label=label) for i, label in enumerate(labels))


def test_the_next_unlabelled_clip_goes_round_once(tmp_path):
    read = ReaderLabel.LS_P
    worklist = entries(tmp_path, None, read, None, read)
    assert next_unlabelled(worklist, range(4), 0) == 2
    assert next_unlabelled(worklist, range(4), 2) == 0
    assert next_unlabelled(worklist, range(4), None) == 0
    assert next_unlabelled(entries(tmp_path, read, None, read), range(3), 1) is None
    assert next_unlabelled((), (), None) is None
    assert read_count(worklist) == 2


def test_a_clip_is_listed_once(tmp_path):
    first = entries(tmp_path, ReaderLabel.LS_A, None)
    again = entries(tmp_path, None, None, None)
    assert merged(first, again) == (*first, again[2])
