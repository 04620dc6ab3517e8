"""How many workers a machine can feed."""

import pytest

from lsgui.inference import job_count as part
from lsgui.inference.job_count import MOST_ON_A_GPU, WORKER_BYTES, available_memory, job_count, threads_each


@pytest.fixture
def machine(monkeypatch):
    def make(cores, free=None, gpu=False):
        monkeypatch.setattr(part, "core_count", lambda: cores)
        monkeypatch.setattr(part, "available_memory", lambda: free)
        monkeypatch.setattr(part, "has_gpu", lambda: gpu)

    return make


@pytest.mark.parametrize(
    ("cores", "free", "gpu", "clips", "device", "jobs"),
    [
        (8, None, False, 100, "auto", 8),
        (8, None, False, 3, "auto", 3),
        (8, 100 * WORKER_BYTES, False, 100, "auto", 8),
        (8, 5 * WORKER_BYTES // 2, False, 100, "auto", 2),
        (8, 1000, False, 100, "auto", 1),
        (8, None, True, 100, "auto", MOST_ON_A_GPU),
        (8, None, True, 100, "cpu", 8),
    ],
)
def test_workers_are_as_many_as_cores_clips_memory_and_gpu_allow(machine, cores, free, gpu, clips, device, jobs):
    machine(cores, free, gpu)
    assert job_count(clips, device) == jobs


@pytest.mark.parametrize(("jobs", "threads"), [(1, 8), (2, 4), (3, 2), (8, 1), (20, 1)])
def test_workers_share_the_cores_out(machine, jobs, threads):
    machine(8)
    assert threads_each(jobs) == threads


def test_the_memory_of_a_container_counts(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:   5000 kB\n", encoding="ascii")
    assert part._linux_memory(tmp_path) == 5000 * 1024
    group = tmp_path / "sys" / "fs" / "cgroup"
    group.mkdir(parents=True)
    for limit, left in (("max", 5000 * 1024), ("3000000", 2_000_000), ("500", 0)):
        (group / "memory.max").write_text(limit, encoding="ascii")
        (group / "memory.current").write_text("1000000", encoding="ascii")
        assert part._linux_memory(tmp_path) == left


def test_this_machine_tells():
    free = available_memory()
    assert free is None or free > 50_000_000
