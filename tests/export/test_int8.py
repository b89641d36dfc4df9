"""Graphs in 8 bits: how numbers are rounded, what is written, which layers are left in floats."""

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from onnx import numpy_helper

import naive
from cases import NDIMS, few
from exported import SMALL, exported
from maskrcnn.apps import cli
from maskrcnn.errors import UsageError
from maskrcnn.export.archive import read_archive, write_archive
from maskrcnn.export.int8.calibration import Calibration, Tensor8, scale_and_zero
from maskrcnn.export.int8.candidates import SHARES, calibrate, candidates, measured
from maskrcnn.export.int8.layers import flowing, last_layers, layers_of
from maskrcnn.export.int8.sensitivity import noise
from maskrcnn.export.int8.writing import in_int8
from maskrcnn.export.onnx_files import SMALLEST_HALF
from maskrcnn.export.proof import Differences, Proof
from maskrcnn.export.session_model import session_model
from maskrcnn.inference.predictor import Predictor
from maskrcnn.jobs.edge import export_model as job
from maskrcnn.jobs.edge.int8 import Trial
from maskrcnn.jobs.events import Note
from maskrcnn.jobs.options.export_model import ExportOptions
from maskrcnn.modalities.open import open_dataset
from tiny import noise as noise_image
from tiny import save_tiny_model, write_coco

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
from maskrcnn_runtime import Model  # noqa: E402

FLOAT = 1
SIZES = {1: (11,), 2: (5, 6), 3: (3, 4, 5)}


def graph_of(nodes, constants, given, told, ranks):
    """An ``onnx.ModelProto`` of nodes ``(op, inputs, output, attributes)`` with open extents."""
    make = onnx.helper
    values = [
        [make.make_tensor_value_info(name, FLOAT, [None] * ranks[name]) for name in names] for names in (given, told)
    ]
    made = [make.make_node(op, list(inputs), [out], name=out, **rest) for op, inputs, out, rest in nodes]
    stored = [onnx.numpy_helper.from_array(np.float32(value), name) for name, value in constants.items()]
    graph = make.make_graph(made, "graph", *values, stored)
    return make.make_model(graph, opset_imports=[make.make_opsetid("", 18)], ir_version=10)


def run(model, **given):
    onnx.checker.check_model(model)
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, given)


def calibrated(model, *looks):
    calibration = Calibration({"graph": model})
    for look in looks:
        calibration("graph", look)
    return calibration


def all_in_int8(calibration):
    held = calibration.tensors["graph"]
    return in_int8(calibration.models["graph"], calibration.layers["graph"], calibration.ranges("graph"), held)


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def twice(ndim=2, seed=0):
    """One convolution over two inputs, with an activation behind the first, and the sum of both."""
    pads = {"pads": [1] * (2 * ndim)}
    nodes = [
        ("Conv", ("a", "w", "b"), "sums", pads),
        ("Relu", ("sums",), "made", {}),
        ("Conv", ("c", "w", "b"), "other", pads),
        ("Add", ("made", "other"), "both", {}),
    ]
    constants = {"w": random(4, 3, *(3,) * ndim, seed=seed), "b": random(4, seed=seed + 1)}
    return graph_of(nodes, constants, ("a", "c"), ("both",), dict.fromkeys(("a", "c", "both"), ndim + 2))


@NDIMS
def test_a_convolution_in_8_bits_is_the_slow_one(ndim):
    constants = {"w": random(4, 3, *(3,) * ndim), "b": random(4, seed=1)}
    nodes = [("Conv", ("x", "w", "b"), "y", {"pads": [1] * (2 * ndim)})]
    model = graph_of(nodes, constants, ("x",), ("y",), {"x": ndim + 2, "y": ndim + 2})
    x = random(1, 3, *SIZES[ndim], seed=2)
    calibration = calibrated(model, {"x": x})
    layers, ranges = calibration.layers["graph"], calibration.ranges("graph")
    (own,) = run(in_int8(model, layers, ranges, {}), x=x)
    rounded = np.vectorize(lambda value: naive.in_8_bits(value, *ranges["x"]))(x[0])
    exact = naive.convolve(rounded, naive.weights_in_8_bits(constants["w"]), constants["b"])
    expected = np.vectorize(lambda value: naive.in_8_bits(value, *ranges["y"]))(exact)
    step = (ranges["y"][1] - ranges["y"][0]) / 255
    assert np.abs(own[0] - expected).max() <= 1.01 * step  # a tie may go either way
    assert np.mean(np.abs(own[0] - expected) > 0.01 * step) < 0.05


@few
@given(st.floats(-1e4, 0), st.floats(0, 1e4), st.floats(0, 1))
def test_steps_cover_a_range_and_hold_0(low, high, place):
    step, zero = scale_and_zero(low, high)
    value = low + place * (high - low)
    code = np.clip(np.rint(value / step) + zero, 0, 255)
    assert 0 <= zero <= 255 and step > 0
    assert abs((code - zero) * step - value) <= 1.01 * step


@few
@given(st.integers(0, 1000), st.floats(0, 50))
def test_a_range_is_part_of_what_was_seen_and_no_worse_than_all_of_it(seed, outlier):
    values = np.append(random(60, seed=seed), np.float32(outlier))
    held = Tensor8()
    held.add(values[None, :])
    part, whole = held.range(False), held.range(True)
    assert whole == (min(values.min(), 0), max(values.max(), 0))
    assert whole[0] <= part[0] <= 0 <= part[1] <= whole[1]

    def error(low, high):
        return np.mean([(naive.in_8_bits(float(value), low, high) - float(value)) ** 2 for value in values])

    assert error(*part) <= error(*whole) * 1.001


@NDIMS
@pytest.mark.parametrize("bright", [False, True])
def test_two_products_side_by_side_stay_within_16_bits(ndim, bright):
    """All weights of one sign and all inputs as large as can be: without VNNI their sums were cut."""
    constants = {"w": 1 + 0.01 * random(4, 8, *(3,) * ndim), "b": random(4, seed=1)}
    nodes = [("Conv", ("x", "w", "b"), "y", {})]
    model = graph_of(nodes, constants, ("x",), ("y",), {"x": ndim + 2, "y": ndim + 2})
    x = np.abs(random(1, 8, *(5,) * ndim, seed=2)) if bright else np.ones((1, 8, *(5,) * ndim), np.float32)
    calibration = calibrated(model, {"x": x})
    ranges = calibration.ranges("graph")
    made = in_int8(model, calibration.layers["graph"], ranges, {})
    codes = next(numpy_helper.to_array(own) for own in made.graph.initializer if own.name == "w.code").astype(int)
    rows = codes.reshape(4, 8, -1)
    for order in (rows.reshape(4, -1), np.swapaxes(rows, 1, 2).reshape(4, -1)):
        assert 255 * np.abs(order[:, :-1] + order[:, 1:]).max() < 2**15
    assert np.abs(codes).max() > 60  # half of the range is used
    (own,) = run(made, x=x)
    (exact,) = run(model, x=x)
    assert np.abs(own - exact).max() < 0.02 * np.abs(exact).max()


@NDIMS
def test_shared_weights_are_stored_once_and_each_use_has_its_own_bias(ndim):
    model = twice(ndim)
    a, c = random(1, 3, *SIZES[ndim]), 5 * random(1, 3, *SIZES[ndim], seed=3)
    small = all_in_int8(calibrated(model, {"a": a, "c": c}))
    stored = {own.name: onnx.numpy_helper.to_array(own) for own in small.graph.initializer}
    assert [value.dtype for value in stored.values() if value.ndim > 1] == [np.int8]
    assert sum(value.dtype == np.int32 and value.any() for value in stored.values()) == 2
    exact, own = run(model, a=a, c=c)[0], run(small, a=a, c=c)[0]
    assert noise([[exact]], [[own]]) < 1e-3
    assert [[value.name for value in values] for values in (small.graph.input, small.graph.output)] == [
        ["a", "c"],
        ["both"],
    ]


def test_what_lies_between_layers_in_8_bits_is_too():
    layers = layers_of(twice().graph)
    assert [(use.given, use.made) for use in layers[0].uses] == [("a", "made"), ("c", "other")]
    assert flowing(twice().graph, layers) == (["both"], {})
    assert flowing(twice().graph, []) == ([], {})


def test_the_last_layers_are_those_behind_which_there_is_none():
    nodes = [
        ("Conv", ("x", "first"), "a", {}),
        ("Relu", ("a",), "b", {}),
        ("Conv", ("b", "second"), "c", {}),
        ("Transpose", ("c",), "said", {"perm": [0, 2, 3, 1]}),
        ("Conv", ("b", "third"), "other", {}),
    ]
    constants = {name: random(2, 2, 1, 1) for name in ("first", "second", "third")}
    ranks = dict.fromkeys(("x", "said", "other", "a"), 4)
    model = graph_of(nodes, constants, ("x",), ("a", "said", "other"), ranks)
    assert last_layers(model.graph, layers_of(model.graph)) == {"second", "third"}


def test_what_is_read_elsewhere_is_left_as_it_is():
    nodes = [("Gemm", ("x", "w"), "y", {"transB": 1}), ("MatMul", ("y", "w"), "z", {})]
    model = graph_of(nodes, {"w": random(3, 3)}, ("x",), ("z",), {"x": 2, "z": 2})
    assert layers_of(model.graph) == []
    turned = graph_of([("Gemm", ("x", "w"), "y", {})], {"w": random(3, 3)}, ("x",), ("y",), {"x": 2, "y": 2})
    assert layers_of(turned.graph) == []


@pytest.mark.parametrize("groups", [1, 2])
def test_the_mean_of_what_rounding_weights_changes_is_made_up_for(groups):
    weights = random(6, 4 // groups, 1, 1)
    weights[:, 0] *= 20  # so that the other weights are rounded coarsely
    nodes = [("Conv", ("x", "w"), "y", {"group": groups})]
    model = graph_of(nodes, {"w": weights}, ("x",), ("y",), {"x": 4, "y": 4})
    x = 40 + random(1, 4, 8, 8)  # large means
    calibration = calibrated(model, {"x": x})
    layers, ranges, held = (calibration.layers["graph"], calibration.ranges("graph"), calibration.tensors["graph"])
    exact = run(model, x=x)[0]
    biases = [
        np.abs((run(in_int8(model, layers, ranges, own), x=x)[0] - exact).mean((0, 2, 3))).max() for own in ({}, held)
    ]
    assert biases[1] < 0.5 * biases[0]


def test_a_channel_of_zeros_keeps_its_bias():
    weights, bias = random(3, 2, 1, 1), np.float32([0.123, -4.0, 9.0])
    weights[0] = 0
    nodes = [("Conv", ("x", "w", "b"), "y", {})]
    model = graph_of(nodes, {"w": weights, "b": bias}, ("x",), ("y",), {"x": 4, "y": 4})
    x = random(1, 2, 6, 6)
    calibration = calibrated(model, {"x": x})
    step = (calibration.ranges("graph")["y"][1] - calibration.ranges("graph")["y"][0]) / 255
    np.testing.assert_allclose(run(all_in_int8(calibration), x=x)[0][:, 0], 0.123, atol=0.51 * step)


def test_noise_is_the_part_of_the_variance_that_changed():
    a, b = random(50), random(20, seed=1)
    assert noise([[a, b]], [[a, b]]) == 0
    assert noise([[a, b]], [[np.full_like(a, a.mean()), b]]) == pytest.approx(0.5)
    assert noise([[a[:20]], [a[20:]]], [[a[:20]], [a[20:] + 1]]) == pytest.approx(0.6 / a.var(dtype=np.float64))


def test_work_is_counted_as_the_graph_runs():
    calibration = calibrated(twice(), *[{"a": random(1, 3, 4, 5), "c": random(1, 3, 4, 5)}] * 2)
    assert calibration.work["graph"] == {"w": 2 * (2 * 4 * 5) * 4 * 3 * 9}
    assert calibration.share("graph", calibration.layers["graph"][0]) == 1.0


def bytes_of_weights(graph):
    """Of those in 8 bits and in halves."""
    weights = map(numpy_helper.to_array, onnx.load_from_string(graph).graph.initializer)
    return sum(own.nbytes for own in weights if own.dtype in (np.int8, np.float16))


@pytest.mark.parametrize("name", ["images", "classes"])
def test_more_and_more_layers_are_left_in_floats(name, tmp_path, tmp_path_factory):
    archive = read_archive(exported(name, tmp_path_factory.getbasetemp())[1])
    calibration = calibrate(archive, open_dataset(write_coco(tmp_path / "data")))
    ranked = measured(calibration)
    assert {own.graph for own in ranked} >= {"body", "pyramid"}
    assert sum(own.share for own in ranked) == pytest.approx(1.0)
    costs = [own.noise / own.share for own in ranked]
    assert costs == sorted(costs, reverse=True) and costs[0] > 0
    files = list(candidates(archive, calibration, ranked))
    last = [own.share for own in ranked if own.name in files[0].floats]
    assert files[0].left == pytest.approx(sum(last)) and all(0 < share < 0.2 for share in last)
    assert any(name.startswith("pyramid: rpn.logits") for name in files[0].floats)
    assert not any(name.startswith("body") for name in files[0].floats)
    assert [file.left <= max(share, files[0].left) for file, share in zip(files, SHARES)] == [True] * len(SHARES)
    assert len(files[-1].floats) > len(files[1].floats) and ranked[0].name in files[-1].floats
    sizes = [sum(map(bytes_of_weights, file.archive.graphs.values())) for file in files]
    assert sizes[0] < sizes[-1]
    assert files[0].archive.notes["int8"]["noise_of_layers"].keys() == {own.name for own in ranked}
    for graph in files[-1].archive.graphs.values():
        onnx.checker.check_model(model := onnx.load_from_string(graph))
        large = [own for own in model.graph.initializer if np.prod(own.dims) >= SMALLEST_HALF]
        assert all(own.name.endswith(".step") for own in large if own.data_type == FLOAT)  # the others are halves
    write_archive(tmp_path / "small.zip", files[2].archive)
    written, image = read_archive(tmp_path / "small.zip"), noise_image(48, 64)
    own = Model(tmp_path / "small.zip", threads=1)(image, 0.05)
    package = Predictor(session_model(written), written.info).with_options(score=0.05)
    other = package(torch.from_numpy(image).permute(2, 0, 1))
    assert len(own) == len(other) > 0  # the runtime reads it as any other
    np.testing.assert_allclose(np.sort(own.scores), np.sort(other.scores.numpy()), atol=0.02)


def test_a_file_in_8_bits_as_a_user_types_it(tmp_path, monkeypatch, capsys):
    model = save_tiny_model(tmp_path / "tiny.safetensors", backbone=SMALL)
    data, out = write_coco(tmp_path / "data"), tmp_path / "tiny.zip"
    arguments = ["export", str(model), str(out), "--int8", "--verify", str(data), "--max-drop", "1"]
    arguments += ["--only", "boxes"]
    monkeypatch.setattr(sys, "argv", ["maskrcnn", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    said = capsys.readouterr()
    assert "weights in int8" in said.out and "hurt most" in said.err + said.out
    assert "% of the multiply-adds in floats" in said.err + said.out
    archive = read_archive(out)
    assert archive.precision == "int8"
    kinds = {
        own.data_type
        for graph in archive.graphs.values()
        for own in onnx.load_from_string(graph).graph.initializer
        if np.prod(own.dims) > 64
    }
    halves = onnx.TensorProto.FLOAT16
    assert kinds <= {onnx.TensorProto.INT8, onnx.TensorProto.INT32, FLOAT, halves, onnx.TensorProto.INT64}
    assert onnx.TensorProto.INT8 in kinds


def test_the_first_file_within_the_budget_is_kept(tmp_path, monkeypatch):
    worths = iter([0.1, 0.3, 0.495])
    told = []
    monkeypatch.setattr(job, "look", lambda *given: None)
    monkeypatch.setattr(job, "session_model", lambda archive: None)
    monkeypatch.setattr(job, "Predictor", lambda *given: None)
    same = Differences(0, 0, 0.0, 0.0, None)
    monkeypatch.setattr(job, "compare", lambda *given: Proof({"box/AP": (0.5, next(worths))}, same, 3))
    monkeypatch.setattr(job, "write_archive", lambda path, archive: path.write_bytes(bytes(archive)))
    monkeypatch.setattr(job, "read_archive", lambda path: SimpleNamespace(info=None))
    options = ExportOptions("people", tmp_path / "people.zip", int8=True)
    files = [SimpleNamespace(archive=size, left=size / 10, floats=("a",) * size) for size in range(5)]

    def search(files):
        return job._until_one_holds(iter(files), tmp_path / "file", None, [0] * 3, options, told.append)

    trials = search(files)
    assert [trial.left for trial in trials] == [0.0, 0.1, 0.2] and trials[-1].floats == ("a", "a")
    assert "box/AP 0.4950 (-0.0050)" in trials[-1].line()
    assert [event.text for event in told if isinstance(event, Note)] == [trial.line() for trial in trials]
    worths = iter([0.1, 0.3])
    with pytest.raises(UsageError, match=r"with 10% of its work in floats its box/AP is 0.3000 and the model's 0.5000"):
        search(files[:2])


@pytest.mark.parametrize(
    "flags, said",
    [
        ({"int8": True, "fp16": True}, "--int8 and --fp16"),
        ({"calibrate": "DATA"}, "--calibrate is for --int8"),
        ({"calibrate": "gone", "int8": True}, "gone"),
    ],
)
def test_flags_that_say_nothing_together_are_refused(tmp_path, flags, said):
    flags = {name: tmp_path / value if isinstance(value, str) else value for name, value in flags.items()}
    with pytest.raises(Exception, match=said):
        ExportOptions("people", tmp_path / "people.zip", **flags).check()
    assert ExportOptions("people", tmp_path / "people.zip", int8=True).budget == 0.010


def test_a_model_without_example_files_needs_data(tmp_path, tmp_path_factory):
    model = exported("signals", tmp_path_factory.getbasetemp())[0]
    with pytest.raises(UsageError, match="--verify DATA"):
        job.export_model(ExportOptions(str(model), tmp_path / "signals.zip", int8=True))
    assert not list(tmp_path.glob("*.zip"))


def test_a_row_says_share_size_and_loss():
    proof = Proof({"box/AP": (0.5, 0.49)}, Differences(0, 0, 0.0, 0.0, None), 3)
    assert Trial(0.05, 12.6, proof).line() == "  5.0% of the multiply-adds in floats: 12.6 MB, box/AP 0.4900 (-0.0100)"
    assert Trial(0.05, 12.6, None).line().endswith("12.6 MB") and json.dumps(Trial(0.05, 1.0, None).line())
