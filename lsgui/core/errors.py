"""What can go wrong, said in one sentence that a user can act on."""

import re

LONGEST_SENTENCE = 300
"""Characters of a sentence: what a file brings into it (its name, a key, a value) may be of any length."""

_UNSAYABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls, what turns the direction of writing over, and halves of characters, which no terminal could show."""

_LONG_WORD = re.compile(r"\S{80,}")


def sayable(text: str) -> str:
    """Return text as it can be said in one line: nothing in it that steers a terminal, and not endless."""
    text = _UNSAYABLE.sub(lambda sign: " " if sign[0].isspace() else "?", text)
    if len(text) > LONGEST_SENTENCE:
        text = _LONG_WORD.sub(lambda word: f"{word[0][:40]}...{word[0][-30:]}", text)
    if len(text) > LONGEST_SENTENCE:  # the beginning names the file, the end the remedy
        text = f"{text[:170].rstrip()} ... {text[-120:].lstrip()}"
    return text


class LsguiError(Exception):
    """A fault that the user can do something about.

    The message is one sentence that names the file or control, the fault and the remedy. It is shown as it is: in
    the window's notice bar, or on standard error with exit status 2. Technical detail goes to the log. Whatever a file
    brought into it, it is `sayable`.
    """

    def __init__(self, sentence: str = "", *more: object) -> None:
        super().__init__(sayable(sentence), *more)


class ClipReadError(LsguiError):
    """A clip cannot be opened or decoded."""


class RoiError(LsguiError):
    """A pleural line is missing, malformed or lies outside the picture."""


class ModelError(LsguiError):
    """A model id is unknown, or its card or weights are missing or damaged."""


class DeviceError(LsguiError):
    """The asked-for compute device is not there or gave up."""


class DatasetError(LsguiError):
    """A labelled folder cannot be read or would leak between sets."""


class CancelledError(Exception):
    """The user asked to stop. Not a fault: it is caught where the work was started and never shown as an error."""
