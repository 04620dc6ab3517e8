"""What FFmpeg may not do for a clip: ask an address, read a list of other files, run a decoder known to break."""

import socket
import sys
from pathlib import Path

import cv2
import pytest
from reader_samples import numbered_frames, write_movie

from lsgui.core.errors import ClipReadError
from lsgui.readers.base import open_clip
from lsgui.readers.movie import quiet_cv2


def test_a_codec_whose_decoder_writes_out_of_bounds_is_refused(tmp_path: Path) -> None:
    path = write_movie(tmp_path / "clip.avi", numbered_frames(4), "magicyuv", pixels="gray")
    with pytest.raises(ClipReadError, match="codec MagicYUV cannot be decoded safely; save it with another codec"):
        open_clip(path)


@pytest.mark.parametrize("codec", ["mjpeg", "mpeg4", "libx264", "ffv1", "huffyuv", "rawvideo", "png"])
def test_codecs_of_clips_are_read(tmp_path: Path, codec: str) -> None:
    pixels = {"mjpeg": "yuvj420p", "huffyuv": "yuv422p", "png": "gray"}.get(codec, "yuv420p")
    path = write_movie(tmp_path / "clip.avi", numbered_frames(4), codec, pixels=pixels)
    assert len(open_clip(path)) == 4


@pytest.mark.parametrize("container", ["flv", "nut", "swf"])
def test_a_container_that_no_clip_has_is_not_opened(tmp_path: Path, container: str) -> None:
    path = write_movie(tmp_path / f"clip.{container}", numbered_frames(4), "flv")
    assert not quiet_cv2().VideoCapture(str(path), cv2.CAP_FFMPEG).isOpened()


def test_no_address_is_asked(tmp_path: Path) -> None:
    """Neither by its name nor from a list in a file: a server on this machine waits in vain."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.3)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/clip.ts"
        lists = {
            "list.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{address}\n#EXT-X-ENDLIST\n",
            "list.ffconcat": f"ffconcat version 1.0\nfile {address}\n",
            "list.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n",
        }
        for name, text in lists.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        for name in (address, *(str(tmp_path / name) for name in lists)):
            assert not quiet_cv2().VideoCapture(name, cv2.CAP_FFMPEG).isOpened()
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_name_that_is_no_text_does_not_end_the_program(tmp_path: Path) -> None:
    """OpenCV falls over such a name, and the process with it."""
    if not sys.platform.startswith("linux"):
        return  # other systems have no such names
    write_movie(tmp_path / "clip.avi", numbered_frames(4), "mjpeg", pixels="yuvj420p").rename(tmp_path / "\udce9.avi")
    assert len(open_clip(tmp_path / "\udce9.avi")) == 4
