import sys
from pathlib import Path

HERE = Path(__file__).parent
for folder in (HERE, HERE.parent / "readers"):  # for `marked_dicom`, `dicom_samples` and `reader_samples`
    sys.path.insert(0, str(folder))
