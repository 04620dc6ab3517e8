"""The parts of DICOM: header, fragments, codecs, pixels, timing, calibration."""

from lsgui.core.kept_out import kept_out

with kept_out("requests"):
    import pydicom  # noqa: F401  # before any part imports of it
