"""``maskrcnn export`` as a user types it."""

import dataclasses

import numpy as np
import pytest

from maskrcnn.errors import UsageError
from maskrcnn.export.archive import read_archive
from maskrcnn.export.onnx_files import halved
from maskrcnn.export.proof import Differences, Proof, told_by
from maskrcnn.inference.predictor import Predictor
from maskrcnn.jobs.edge import export_model as job
from maskrcnn.jobs.events import Note
from maskrcnn.jobs.options.export_model import ExportOptions
from tiny import save_tiny_model, write_coco

onnx = pytest.importorskip("onnx")


@pytest.fixture
def model_file(tmp_path):
    from exported import SMALL

    return save_tiny_model(tmp_path / "tiny.safetensors", backbone=SMALL)


def test_a_file_is_run_on_labelled_data_and_told_about(model_file, tmp_path):
    data = write_coco(tmp_path / "data")
    out, told = tmp_path / "new" / "tiny.zip", []
    options = ExportOptions(str(model_file), out, image_size=96, fp16=True, only="boxes", verify=data, verify_images=3)
    done = job.export_model(options, told.append)
    archive = read_archive(out)
    assert (archive.precision, done.proof.images, done.data) == ("float16", 3, str(data))
    assert archive.info.config.preprocess.max_size == 96 and archive.info.config.mask_head is None
    assert set(archive.graphs) == {"body", "pyramid", "box"}
    assert set(done.proof.measures) == {"box/AP"} and done.proof.drop < 0.003
    assert any("box/AP" in line for line in done.proof.lines())
    assert not [event for event in told if isinstance(event, Note)]
    assert sorted(path.name for path in out.parent.iterdir()) == ["tiny.zip"]


def test_a_file_that_drops_more_than_the_budget_is_not_kept(model_file, tmp_path, monkeypatch):
    worse = Proof({"box/AP": (0.5, 0.4), "mask/AP": (0.3, 0.31)}, Differences(0, 0, 0.0, 0.0, None), 3)
    monkeypatch.setattr(job, "look", lambda *given: None)
    monkeypatch.setattr(job, "compare", lambda *given: worse)
    monkeypatch.setattr(job, "graphs_of", lambda model: iter(()))
    out = tmp_path / "tiny.zip"
    out.write_bytes(b"an older one")
    with pytest.raises(UsageError) as error:
        job.export_model(ExportOptions(str(model_file), out, verify=write_coco(tmp_path / "data")))
    assert "its box/AP is 0.4000 and the model's 0.5000" in str(error.value) and "--max-drop" in str(error.value)
    assert out.read_bytes() == b"an older one" and len(list(tmp_path.glob("*.zip"))) == 1


def test_what_a_model_says_of_pictures_is_what_it_is_held_to(model_file, tmp_path):
    predictor = Predictor.load(model_file)
    paths = sorted((write_coco(tmp_path / "data").parent / "images").iterdir())
    data = told_by(predictor, paths, job.read_image)
    assert len(data) == len(paths) and data.class_names == predictor.class_names
    record = data[0]
    assert len(record) == len(predictor.with_options(score=0.5)(data.read_image(record)))


def test_halves_are_made_single_again_when_a_graph_is_loaded():
    import onnxruntime

    weight = np.random.default_rng(0).normal(size=(16, 32)).astype(np.float32)
    make = onnx.helper
    graph = make.make_graph(
        [make.make_node("MatMul", ["x", "w"], ["y"])],
        "one",
        [make.make_tensor_value_info("x", 1, [1, 16])],
        [make.make_tensor_value_info("y", 1, [1, 32])],
        [onnx.numpy_helper.from_array(weight, "w")],
    )
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 18)], ir_version=10)
    small = halved(model)
    onnx.checker.check_model(small)
    assert len(small.SerializeToString()) < 0.7 * len(model.SerializeToString())
    x = np.ones((1, 16), dtype=np.float32)
    run = [onnxruntime.InferenceSession(m.SerializeToString()).run(None, {"x": x})[0] for m in (model, small)]
    np.testing.assert_allclose(run[0], run[1], atol=2e-2)
    np.testing.assert_allclose(x @ weight.astype(np.float16).astype(np.float32), run[1], atol=1e-5)


def test_a_head_of_somebody_else_is_refused(model_file, tmp_path):
    from maskrcnn.export.graphs import check_exportable
    from maskrcnn.models.head import Head

    model = Predictor.load(model_file).model
    model.heads["mine"] = Head()
    with pytest.raises(UsageError, match="mine"):
        check_exportable(model)


def test_adaptive_sampling_outside_images_is_refused():
    from maskrcnn.config import PoolConfig
    from maskrcnn.export.pooling import LevelPool
    from maskrcnn.models.pooling import PyramidPool

    adaptive = PyramidPool(PoolConfig(3, sampling_ratio=0), [(2,), (4,)])
    with pytest.raises(UsageError, match="images alone"):
        LevelPool(adaptive)


def test_drops_are_those_of_the_worst_measure():
    proof = Proof({"box/AP": (0.5, 0.51), "mask/AP": (0.4, 0.38)}, Differences(3, 1, 0.1, 0.01, 0.99), 2)
    assert proof.drop == pytest.approx(0.02)
    assert dataclasses.replace(proof, measures={}).drop == 0.0
    assert "3 objects" in proof.lines()[-1]
