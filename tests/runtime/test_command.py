"""The runtime as its users have it: no torch, the command line, and files of every kind of trouble."""

import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from documents import ROOT
from maskrcnn.export.archive import read_archive
from maskrcnn.export.session_model import session_model
from maskrcnn.inference.predictor import Predictor
from maskrcnn.modalities.images.results import PredictionWriter
from tiny import noise

pytest.importorskip("onnxruntime")
from maskrcnn_runtime import Model, RuntimeFault, cli, read_picture  # noqa: E402
from maskrcnn_runtime.network import Found  # noqa: E402
from maskrcnn_runtime.serving import make_server  # noqa: E402
from maskrcnn_runtime.tracking import Tracker  # noqa: E402
from maskrcnn_runtime.watching import watch  # noqa: E402
from maskrcnn_runtime.writing import entries_of  # noqa: E402

SOURCES = ROOT / "runtime" / "src" / "maskrcnn_runtime"
MOST_LINES = 1500  # of code; what explains it is not counted
WITHOUT_TORCH = """
import sys
for name in ("torch", "maskrcnn", "scipy", "safetensors"):
    sys.modules[name] = None
from maskrcnn_runtime.cli import main
main()
"""


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(noise(90, 120, seed=5)).save(path)
    return path


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["maskrcnn-runtime", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


@pytest.mark.parametrize("name", ["images", "classes"])
@pytest.mark.parametrize("shape", [(48, 64), (90, 40), (20, 150), (1, 1)])
def test_it_finds_what_the_package_finds(file_of, name, shape):
    path = file_of(name)
    archive = read_archive(path)
    predictor = Predictor(session_model(archive), archive.info).with_options(score=0.05)
    image = noise(*shape, seed=2)
    own, other = Model(path, threads=1)(image, 0.05), predictor(torch.from_numpy(image).permute(2, 0, 1))
    assert len(own) == len(other)
    if len(own) == 0:
        return
    distance = np.abs(own.boxes[:, None] - other.boxes.numpy()).max(-1)
    distance[own.labels[:, None] != other.labels.numpy()] = np.inf
    order = distance.argmin(1)  # equal scores may come in any order
    assert distance.min(1).max() < 0.3 and sorted(order) == list(range(len(own)))
    np.testing.assert_allclose(own.scores, other.scores.numpy()[order], atol=5e-3)
    areas = np.array([mask.area() for mask in own.masks])
    assert np.abs(areas - other.regions.areas()[order]).max() <= 3 + 0.02 * areas.max()
    if own.keypoints is not None:
        apart = np.abs(own.keypoints - other.keypoints.numpy()[order])
        assert np.mean(apart < 0.1) > 0.97  # where two bins are equally high either is the peak


def test_it_runs_where_there_is_no_torch_and_writes_what_the_package_writes(file_of, photo, tmp_path):
    path, out = file_of("images"), tmp_path / "out"
    command = [sys.executable, "-c", WITHOUT_TORCH, "predict", photo, path, "--out", out, "--score", "0.3"]
    done = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": str(SOURCES.parent)}, timeout=120)
    assert done.returncode == 0, done.stderr
    assert sorted(own.name for own in out.iterdir()) == ["photo.png", "predictions.json", "summary.csv"]
    archive = read_archive(path)
    predictor = Predictor(session_model(archive), archive.info).with_options(score=0.3)
    image = torch.from_numpy(read_picture(photo).copy()).permute(2, 0, 1)
    writer = PredictionWriter(tmp_path / "other", predictor.class_names, archive.info.category_ids)
    writer.add(photo, image, predictor(image))
    own, other = (json.loads((folder / "predictions.json").read_text()) for folder in (out, tmp_path / "other"))
    assert len(own) == len(other) > 0 and [list(entry) for entry in own] == [list(entry) for entry in other]
    for a, b in zip(own, other):
        assert (a["file_name"], a["image_id"], a["category"]) == (b["file_name"], b["image_id"], b["category"])
        np.testing.assert_allclose(a["bbox"], b["bbox"], atol=0.3)
    rows = [(folder / "summary.csv").read_text().splitlines() for folder in (out, tmp_path / "other")]
    assert rows[0][0] == rows[1][0] and len(rows[0]) == len(rows[1])
    assert Image.open(out / "photo.png").size == (120, 90)


def test_what_cannot_be_read_is_a_sentence_and_ends_nothing(file_of, photo, tmp_path, monkeypatch, capsys):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    code = run(monkeypatch, "predict", broken, tmp_path / "gone.png", photo, file_of("images"), "--out", tmp_path / "o")
    told = capsys.readouterr()
    assert code == 1 and "photo.png:" in told.out and (tmp_path / "o" / "photo.png").exists()
    assert [line.split()[1] for line in told.err.splitlines()] == [str(broken), str(tmp_path / "gone.png")]
    assert "cannot be read as a picture" in told.err and "does not exist" in told.err and "Traceback" not in told.err


def without_input(data):
    import onnx

    model = onnx.load_from_string(data)
    del model.graph.input[-1]
    return model.SerializeToString()


@pytest.mark.parametrize(
    "how, said",
    [
        ("cut", "damaged"),
        ("other", "no exported model"),
        ("graph", "box"),
        ("input", "damaged"),
        ("none", "does not exist"),
        ("text", "no exported model"),
    ],
)
def test_a_broken_file_is_a_sentence(file_of, photo, tmp_path, monkeypatch, capsys, how, said):
    path, whole = tmp_path / "model.zip", file_of("images").read_bytes()
    with zipfile.ZipFile(file_of("images")) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    if how == "graph":
        del entries["box.onnx"]
    if how == "input":
        entries["field.onnx"] = without_input(entries["field.onnx"])
    if how in ("cut", "text"):
        path.write_bytes(whole[: len(whole) // 2] if how == "cut" else b"hello")
    elif how != "none":
        with zipfile.ZipFile(path, "w") as file:
            for name, data in {"readme.txt": b"hello"}.items() if how == "other" else entries.items():
                file.writestr(name, data)
    assert run(monkeypatch, "predict", photo, path, "--out", tmp_path / "out") == 2
    told = capsys.readouterr().err
    assert said in told and str(path) in told and len(told.splitlines()) == 1 and not (tmp_path / "out").exists()


def test_a_model_of_other_files_is_refused(file_of):
    with pytest.raises(RuntimeFault, match="model of signals"):
        Model(file_of("signals"))


@pytest.mark.parametrize("flags, said", [(("--score", "2"), "--score"), (("--threads", "-1"), "--threads")])
def test_flags_are_checked(file_of, photo, monkeypatch, capsys, flags, said):
    assert run(monkeypatch, "predict", photo, file_of("images"), *flags) == 2
    assert said in capsys.readouterr().err


def test_a_line_of_json_a_picture(file_of, photo, monkeypatch, capsys):
    assert run(monkeypatch, "predict", photo, file_of("images"), "--json", "--score", "0.1") == 0
    line = json.loads(capsys.readouterr().out)
    assert line["file"] == str(photo) and line["objects"][0]["category"] in ("disc", "brick")


def test_pictures_of_many_modes_become_the_same_colours(tmp_path):
    pixels = noise(20, 30)
    for mode, least in (("RGB", 3), ("RGBA", 3), ("L", 1), ("P", 3), ("1", 1)):
        Image.fromarray(pixels).convert(mode).save(tmp_path / "one.png")
        own = read_picture(tmp_path / "one.png")
        assert own.shape == (20, 30, 3) and own.dtype == np.uint8
        assert least == 3 or (own[..., 0] == own[..., 1]).all()
    Image.fromarray(pixels[..., 0].astype(np.uint16) * 16).save(tmp_path / "deep.png")
    assert read_picture(tmp_path / "deep.png").max() == 255


def frame(*boxes, labels=None):
    own = np.array(boxes, dtype=np.float32).reshape(-1, 4)
    labels = np.ones(len(own), np.int64) if labels is None else np.array(labels)
    return Found(own, labels, np.ones(len(own), np.float32))


def test_objects_keep_their_numbers_and_are_counted_once():
    tracker, numbers = Tracker(), []
    for step in range(8):
        boxes = [[10 + 4 * step, 10, 40 + 4 * step, 60], [200 - 6 * step, 10, 230 - 6 * step, 60]]
        numbers.append(tracker(frame(*boxes) if step != 4 else frame(boxes[1])))
    assert numbers[0] == [1, 2] and numbers[4] == [2] and numbers[-1] == [1, 2] and tracker.counts == {1: 2}
    assert tracker(frame([30, 10, 60, 60], labels=[2])) == [3]  # of another class


def test_a_clip_is_watched(file_of, tmp_path):
    av = pytest.importorskip("av")
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for k in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noise(seed=k), format="rgb24")))
        container.mux(stream.encode())
    model = Model(file_of("images"), threads=1)
    lines = list(watch(str(path), model, 0.3))
    assert [line["frame"] for line in lines] == list(range(5)) and lines[2]["time"] == pytest.approx(0.2, abs=0.01)
    assert all({"track", "category", "bbox", "score"} <= set(own) for line in lines for own in line["objects"])
    assert len(list(watch(str(path), model, 0.3, most=2))) == 2
    path.write_bytes(b"no clip")
    for source, said in ((path, "cannot be read"), (tmp_path / "gone.mp4", "does not exist")):
        with pytest.raises(RuntimeFault, match=said):
            list(watch(str(source), model, 0.3))


def test_a_server_answers_pictures_and_anything_else(file_of, photo):
    with make_server(Model(file_of("images"), threads=1), 0.3, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            with urllib.request.urlopen(address) as answer:
                assert json.load(answer)["classes"] == ["disc", "brick"]
            with urllib.request.urlopen(f"{address}/predict", data=photo.read_bytes()) as answer:
                told = json.load(answer)
            assert (told["width"], told["height"]) == (120, 90) and told["objects"][0]["segmentation"]["size"] == [
                90,
                120,
            ]
            for body in (b"no picture", b""):
                with pytest.raises(urllib.error.HTTPError) as refused:
                    urllib.request.urlopen(urllib.request.Request(f"{address}/predict", data=body, method="POST"))
                assert refused.value.code == 400 and "picture" in json.load(refused.value)["error"]
        finally:
            server.shutdown()


def test_its_own_tests_pass_where_there_is_no_torch(file_of, photo, tmp_path):
    """Those that ``make edge`` runs on an emulated ARM, held to what this process finds."""
    model, image, expected = Model(file_of("images"), threads=1), read_picture(photo), tmp_path / "expected.json"
    expected.write_text(json.dumps({"objects": entries_of(model, model(image), image.shape[:2])}))
    command = (
        "import sys, unittest; sys.modules['torch'] = None; unittest.main(None, argv=['x', 'discover', '-s', {!r}])"
    )
    named = {"MODEL": file_of("images"), "PHOTO": photo, "EXPECTED": expected}
    done = subprocess.run(
        [sys.executable, "-c", command.format(str(ROOT / "runtime" / "tests"))],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(SOURCES.parent), **{f"MASKRCNN_{name}": str(path) for name, path in named.items()}},
        timeout=120,
    )
    assert done.returncode == 0 and "OK" in done.stderr and "skipped" not in done.stderr, done.stderr


def test_it_is_small():
    count = 0
    for path in SOURCES.glob("*.py"):
        inside = False
        for line in path.read_text().splitlines():
            text = line.strip()
            if text.startswith('"""'):
                inside = not (text.endswith('"""') and len(text) > 3)
            elif inside:
                inside = not text.endswith('"""')
            elif text and not text.startswith("#"):
                count += 1
    assert 800 < count < MOST_LINES


def test_the_distribution_asks_for_what_it_imports():
    text = (ROOT / "runtime" / "pyproject.toml").read_text()
    needed = {"numpy", "onnxruntime", "pillow"}
    line = next(line for line in text.splitlines() if line.startswith("dependencies"))
    assert {word for word in needed if f'"{word}' in line} == needed and line.count(">=") == len(needed)
