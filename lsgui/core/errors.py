"""What can go wrong, said in one sentence that a user can act on."""


class LsguiError(Exception):
    """A fault that the user can do something about.

    The message is one sentence that names the file or control, the fault and the remedy. It is shown as it is: in
    the window's notice bar, or on standard error with exit status 2. Technical detail goes to the log.
    """


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
