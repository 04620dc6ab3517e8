"""Opening a clip as the preferences say."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundMultiFrameImageStorage, generate_uid

from lsgui.gui.loader_thread import ClipComplete, LoadJob
from lsgui.gui.reading_lane import ReadingLane


def wrongly_tagged(path: Path) -> Path:
    """Write two frames of pure red whose tags call their samples luma and chroma."""
    frames = np.zeros((2, 32, 40, 3), dtype=np.uint8)
    frames[..., 0] = 200
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = UltrasoundMultiFrameImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = generate_uid()
    data.Rows, data.Columns, data.NumberOfFrames, data.FrameTime = 32, 40, 2, 40
    data.SamplesPerPixel, data.PlanarConfiguration, data.PixelRepresentation = 3, 0, 0
    data.BitsAllocated, data.BitsStored, data.HighBit = 8, 8, 7
    data.PhotometricInterpretation = "YBR_FULL"
    data.PixelData = frames.tobytes()
    data.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize(("colour", "grey"), [("auto", 200), ("ybr", 200), ("rgb", 60)])
def test_wrong_colour_tags_can_be_overruled(colour, grey, tmp_path):
    told = []
    lane = ReadingLane("tested")
    try:
        LoadJob(wrongly_tagged(tmp_path / "red.dcm"), 1 << 24, colour).read(lane, told.append, lambda: False)
    finally:
        lane.close()
    clip = next(event.clip for event in told if isinstance(event, ClipComplete))
    assert int(clip.frame(1)[16, 20]) == pytest.approx(grey, abs=3)
    clip.store.close()
