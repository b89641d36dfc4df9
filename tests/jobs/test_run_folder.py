"""One training at a time in a folder, whatever becomes of those before."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from maskrcnn.errors import UsageError
from maskrcnn.jobs.run_folder import LOCK, default_out, is_taken, training_folder
from tiny import write_coco

HOLD = """
import os, sys, time
from pathlib import Path
from maskrcnn.jobs.run_folder import training_folder
with training_folder(Path(sys.argv[1])):
    if os.fork() == 0:  # as a worker that loads images
        time.sleep(60)
        os._exit(0)
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that trains into ``out``."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "out")], stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout.readline() == b"held\n"
    yield process
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no such locks")
def test_a_second_training_into_a_folder_is_refused_until_the_first_is_dead(holder, tmp_path, refused, tiny_file):
    out = tmp_path / "out"
    with pytest.raises(UsageError, match="Another training is writing into .*out.*--out"), training_folder(out):
        pass
    data = write_coco(tmp_path / "data")
    sentence = refused("train", data, "--model", tiny_file, "--out", out, "--epochs", 1)
    assert f"Another training is writing into {out}" in sentence and not (out / "plan.yaml").exists()
    holder.kill()  # its own child lives on
    holder.wait()
    with training_folder(out):
        pass
    assert not any(out.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="no such locks")
def test_a_folder_for_results_that_nobody_named_is_one_that_nobody_writes_into(holder, tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "out").rename(tmp_path / "set" / "out")
    assert is_taken(tmp_path / "set" / "out")
    assert default_out([tmp_path / "out"], runs=tmp_path / "set") == tmp_path / "set" / "out-2"


def test_within_a_training_the_same_training_may_ask_again(tmp_path):
    with training_folder(tmp_path):
        with training_folder(tmp_path):
            assert (tmp_path / LOCK).exists()
        assert (tmp_path / LOCK).exists()
    assert not (tmp_path / LOCK).exists()


def test_another_thread_is_refused(tmp_path):
    told = []

    def other():
        try:
            with training_folder(tmp_path):
                told.append("held")
        except UsageError as error:
            told.append(str(error))

    with training_folder(tmp_path):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert "Another training" in told[0]


def test_what_a_killed_training_left_half_written_is_removed_and_nothing_else(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left = [tmp_path / f".{name}" for name in (f"last.{gone.pid}.safetensors", f"curves.{gone.pid}.png")]
    kept = [tmp_path / name for name in (".last.mine.safetensors", f".other.{gone.pid}.png", "last.safetensors")]
    alive = tmp_path / f".metrics.{os.getppid()}.json"  # a report that another program is writing
    for path in (*left, *kept, alive):
        path.touch()
    with training_folder(tmp_path):
        assert not any(path.exists() for path in left)
        assert all(path.exists() for path in (*kept, alive))
