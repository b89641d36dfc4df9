"""Memory as a promise, each measured in a process of its own (Linux tells how much a process held at most)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROBE = Path(__file__).parents[1] / "memory_probe.py"

# glibc gives freed blocks back at once: how much of them it would keep for later differs by a fifth from run to run.
PLAIN_MALLOC = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_TRIM_THRESHOLD_": "131072"}

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="only Linux can forget a process's peak of memory"
)


def probe(*arguments):
    command, environment = [sys.executable, PROBE, *map(str, arguments)], os.environ | PLAIN_MALLOC
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_300_people_in_24_megapixels_take_less_than_a_gigabyte(tmp_path):
    """Overlay, run lengths and table included; beyond the loaded model."""
    taken = probe("predict", "people", tmp_path)
    assert taken["objects"] == 300
    assert taken["megabytes"] < 1024
    assert len(json.loads((tmp_path / "out" / "predictions.json").read_text())) == 300


def test_500_objects_in_a_training_image_take_no_more_than_50():
    """Nothing grows with objects but their outlines: not the overlaps with anchors, not what is pasted."""
    few, many = (probe("train", count)["megabytes"] for count in (50, 500))
    assert few > 50, "the probe measures nothing"
    assert many < 1.2 * few
