"""The parts of DICOM: header, fragments, codecs, pixels, timing, calibration."""
