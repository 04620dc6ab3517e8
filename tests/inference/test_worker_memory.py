"""What a warm worker holds in memory: no library that only other networks need."""

import json
import os
import subprocess
import sys

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
