"""What the worker holds in memory: no library that only other networks need, and no frame twice."""

import json
import multiprocessing
import os
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path

import numpy as np

from lsgui.core.clip import Clip, ClipInfo, MemoryFrames
from lsgui.core.pleura import PleuralROI
from lsgui.imaging.scan_area import Scale
from lsgui.inference.preparation import build_request
from lsgui.inference.protocol import InferenceRequest
from lsgui.inference.worker_process import receive_request, send_request

UNUSED = ("torchvision", "torch._dynamo", "torch._inductor", "triton", "sympy", "sklearn", "matplotlib", "PIL")
WARM_UP = f"""
import json, sys
from lsgui.inference.plan import WorkerPlan, load_engine
ready = load_engine(WorkerPlan(threads=1)).warm_up()
found = [name for name in {UNUSED!r} if name in sys.modules]
print(json.dumps([ready.device, "torch" in sys.modules, found]))
"""


def test_warming_up_loads_no_library_that_only_other_networks_need():
    alone = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run([sys.executable, "-c", WARM_UP], env=alone, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == ["cpu", True, []]


def clip_of(count: int, height: int, width: int) -> Clip:
    frames = np.random.default_rng(7).integers(0, 255, (count, height, width), dtype=np.uint8)
    info = ClipInfo(Path("long.avi"), "movie", count, width, height, 30.0, "container")
    return Clip(info, MemoryFrames(frames))


def request_for(clip: Clip, *, take_out: bool) -> InferenceRequest:
    line = PleuralROI.single(0, [[20.0, 60.0], [180.0, 62.0]])
    scale = Scale(0.2, False)
    return build_request(
        clip,
        line,
        request_id=3,
        model_id="motion",
        device="cpu",
        scale=scale,
        quality=(),
        seconds={"read": 0.5},
        take_out=take_out,
    )


def sent(request: InferenceRequest) -> tuple[InferenceRequest, int]:
    """Return what arrives of a request, and the most bytes that both ends together had allocated on the way."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    got: list[InferenceRequest] = []
    receiver = threading.Thread(target=lambda: got.append(receive_request(ours)))
    tracemalloc.start()
    receiver.start()
    send_request(theirs, request)
    receiver.join()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    ours.close()
    theirs.close()
    return got[0], most


def test_frames_cross_to_the_worker_one_at_a_time_and_arrive_as_they_are():
    clip = clip_of(120, 200, 200)
    whole, cut = request_for(clip, take_out=True), request_for(clip, take_out=False)
    assert cut.frames.shape == whole.frames.shape
    assert cut.frames.strides == (0, 0, 0), "a stand-in takes no memory"
    arrived, most = sent(cut)
    assert arrived.cut is None
    assert (arrived.frames == whole.frames).all()
    assert not arrived.frames.flags.writeable
    assert (arrived.id, arrived.clip, arrived.mm_per_px) == (whole.id, whole.clip, whole.mm_per_px)
    assert most < 1.2 * whole.frames.nbytes, "what arrives, and no copy of all of it on either side"
    assert (sent(whole)[0].frames == whole.frames).all()


def test_a_session_in_this_process_takes_the_frames_out_itself():
    clip = clip_of(12, 200, 200)
    whole, cut = request_for(clip, take_out=True), request_for(clip, take_out=False)
    assert (cut.with_frames().frames == whole.frames).all()
    assert cut.with_frames().cut is None
    assert whole.with_frames() is whole
