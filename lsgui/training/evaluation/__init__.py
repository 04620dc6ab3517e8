"""What a model is worth: metrics by patient, calibration, comparison, figures."""
