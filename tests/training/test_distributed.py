"""Two processes train as one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from maskrcnn.checkpoints.ours import load_checkpoint
from maskrcnn.data.loading import Epoch, epoch_loader
from maskrcnn.data.transforms.samples import EvalTransform
from maskrcnn.modalities.open import open_dataset
from tiny import tiny_model, write_coco

HERE = Path(__file__).parent


def torchrun(processes, *command):
    line = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", processes, *command]
    done = subprocess.run([str(part) for part in line], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    return done


@pytest.mark.parametrize("count", [5, 1])
def test_two_processes_give_the_gradients_of_one(tmp_path, count):
    """Also where they hold different numbers of images, or one of them none at all."""
    write_coco(tmp_path / "data", count=count)
    torchrun(2, HERE / "two_processes.py", tmp_path / "data" / "labels.json", tmp_path)
    subprocess.run([sys.executable, HERE / "two_processes.py", tmp_path / "data" / "labels.json", tmp_path], check=True)
    one, first, second = (load_file(tmp_path / f"gradients-{name}.safetensors") for name in ("1-0", "2-0", "2-1"))
    assert one.keys() == first.keys() == second.keys() and len(one) > 50
    for name, gradient in one.items():
        assert torch.equal(first[name], second[name])
        tolerance = 1e-5 * float(gradient.abs().max()) + 1e-8
        torch.testing.assert_close(first[name], gradient, rtol=1e-3, atol=tolerance, msg=name)


def test_torchrun_trains_validates_and_writes_once(tmp_path):
    write_coco(tmp_path / "data", count=4)
    labels, out = tmp_path / "data" / "labels.json", tmp_path / "out"
    flags = ["--model", "mobilenet_v2_fpn", "--image-size", 64, "--epochs", 2, "--batch", 2, "--workers", 0]
    done = torchrun(2, "-m", "maskrcnn", "train", labels, "--val", labels, "--out", out, *flags)
    assert sorted(p.name for p in out.iterdir()) == [
        "best.safetensors",
        "curves.png",
        "labels.jpg",
        "last.safetensors",
        "log.jsonl",
        "metrics.json",
        "plan.yaml",
        "report.html",
        "results.csv",
        "samples.jpg",
        "training-images.jpg",
    ]
    assert done.stderr.count("Training on 4 images") == 1
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in log if "val/loss" in line] == [1, 2]
    assert [line["step"] for line in log if "loss" in line] == [4]  # two steps an epoch, told once
    load_checkpoint(out / "best.safetensors")


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_the_shares_of_all_processes_are_the_batch(tmp_path, processes):
    data = open_dataset(write_coco(tmp_path, count=7))
    transform = EvalTransform(tiny_model().config.preprocess)

    def indices(share):
        return [[s.index for s in batch] for batch in epoch_loader(data, transform, 4, Epoch(seed=3, share=share))]

    shares = [indices((k, processes)) for k in range(processes)]
    for whole, *parts in zip(indices((0, 1)), *shares):
        assert sorted(whole) == sorted(index for part in parts for index in part)
        assert max(map(len, parts)) - min(map(len, parts)) <= 1
