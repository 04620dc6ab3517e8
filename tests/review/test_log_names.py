from pathlib import Path

from lsgui.review.log_file import keep_out_of_log, redacted


def test_the_log_names_no_file_that_was_only_listed():
    keep_out_of_log([Path("/data/Smith^John/Doe Jane"), Path("/data/Mueller_Anna")])
    told = redacted(
        "LsguiError: Doe Jane holds no frames\nMueller_Anna: nothing\n"
        "FileNotFoundError: 'Roe Richard 1950.mp4'\nLsguiError: Poe Edgar.DCM: its header is damaged"
    )
    for name in ("Doe", "Jane", "Mueller", "Anna", "Roe", "Richard", "Poe", "Edgar"):
        assert name not in told
    assert "holds no frames" in told
    assert "its header is damaged" in told
    line = '  File "/usr/lib/python3.12/site-packages/lsgui/readers/dicom.py", line 3, in open'
    assert redacted(line) == '  File "lsgui/readers/dicom.py", line 3, in open'
