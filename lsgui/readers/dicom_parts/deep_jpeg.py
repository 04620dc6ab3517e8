"""JPEG of more than 8 bits, decoded by GDCM in a process of its own.

GDCM ends the whole process, or never comes back, when a codestream is damaged in certain ways; so it must not run in
the program's own. Such files are rare in ultrasound: the second that the process needs to start is paid by them alone.
"""

import importlib
import multiprocessing
import os
import threading
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_EXTENDED_UID, _LOSSLESS_UID = "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57"
_START_PATIENCE_S, _PATIENCE_S = 30.0, 5.0
"""The process may wait for a busy machine; then a frame takes milliseconds."""


class DeepJpegDecoder:
    """Decodes grey JPEG of 9 to 16 bits; may be called from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), name="deep-jpeg", daemon=True)
        self._process.start()
        self._started = False
        theirs.close()

    def decode(self, data: bytes, width: int, height: int, bits: int, lossless: bool) -> npt.NDArray[Any]:
        """Return the stored values, (height, width) uint16.

        Raises
        ------
        EOFError, OSError
            When the codestream ended GDCM's process or kept it too long; every later call fails alike.
        ValueError
            When GDCM refuses the codestream.
        """
        with self._lock:
            if not self._started:
                if not self._ours.poll(_START_PATIENCE_S):
                    raise TimeoutError("GDCM's process did not start")
                self._started = bool(self._ours.recv_bytes())
            self._ours.send((data, width, height, bits, lossless))
            if not self._ours.poll(_PATIENCE_S):
                self._process.kill()
                raise TimeoutError("GDCM did not come back from a codestream")
            plain = self._ours.recv_bytes()
        return np.frombuffer(plain, dtype="<u2").reshape(height, width)

    def close(self) -> None:
        """End GDCM's process."""
        self._ours.close()
        self._process.join(1.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()


def _serve(pipe: Connection) -> None:
    """Decode what comes through the pipe until it closes; nothing in return means that GDCM refused."""
    with Path(os.devnull).open("wb") as nothing:  # GDCM's codecs write past Python, and have no switch for it
        for stream in (1, 2):
            os.dup2(nothing.fileno(), stream)
    importlib.import_module("gdcm")
    pipe.send_bytes(b"ready")
    while True:
        try:
            task = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            pipe.send_bytes(gdcm_decode(*task))
        except ValueError:
            pipe.send_bytes(b"")


def gdcm_decode(data: bytes, width: int, height: int, bits: int, lossless: bool) -> bytes:
    """Decode one frame with GDCM, little endian 16-bit words. Runs in the process of its own."""
    import gdcm

    fragment, fragments = gdcm.Fragment(), gdcm.SequenceOfFragments.New()
    fragment.SetByteStringValue(data)
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((width, height, 1))
    image.SetDataElement(element)
    kind = gdcm.PhotometricInterpretation.GetPIType("MONOCHROME2")
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(kind))
    syntax = gdcm.TransferSyntax.GetTSType(_LOSSLESS_UID if lossless else _EXTENDED_UID)
    image.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    image.SetPixelFormat(gdcm.PixelFormat(1, 16, bits, bits - 1, 0))
    text = image.GetBuffer()  # GDCM gives bytes as text
    if text is None:
        raise ValueError("GDCM gave nothing")
    return bytes(text.encode("utf-8", "surrogateescape"))
