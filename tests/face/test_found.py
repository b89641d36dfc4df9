"""What was found, as arrays, pictures, files, and in a notebook."""

import dataclasses
import gzip
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from face.kinds import model_and_file
from maskrcnn import UsageError, load
from tiny import save_photo, save_tiny_model

PNG = b"\x89PNG"


@pytest.fixture(scope="module", params=[1, 2, 3])
def found(request, tmp_path_factory):
    """Of D = 1, 2, 3."""
    pytest.importorskip("nibabel") if request.param == 3 else None
    model, file = model_and_file(tmp_path_factory.mktemp(f"d{request.param}"), request.param)
    return load(model, score=0.05)(file)


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    """What was found in a picture."""
    model, file = model_and_file(tmp_path_factory.mktemp("picture"), 2)
    return load(model, score=0.05)(file)


def test_its_arrays_have_the_shapes_that_are_written(found):
    count, ndim = len(found), len(found.shape)
    assert count > 1 and found.boxes.shape == (count, 2 * ndim) and found.boxes.dtype == np.float32
    assert found.scores.shape == found.labels.shape == found.names.shape == found.areas.shape == (count,)
    assert found.masks.shape == (count, *found.shape) and found.masks.dtype == bool
    assert found.masks.reshape(count, -1).sum(1).tolist() == found.areas.tolist()
    assert [found.info.class_names[label - 1] for label in found.labels] == found.names.tolist()


def test_it_says_how_many_there_are_of_each_class(found):
    names = found.names.tolist()
    kinds = sorted(set(names), key=lambda name: (-names.count(name), names.index(name)))
    assert repr(found) == str(found) == f"{len(names)} objects: " + ", ".join(f"{names.count(k)} {k}" for k in kinds)
    assert repr(found[:0]) == "0 objects" and repr(found[0]) == f"1 object: 1 {names[0]}"
    assert not found[:0] and found


def test_it_is_indexed_by_anything_that_numpy_indexes_with(found):
    threshold = float(np.median(found.scores))
    above = found[found.scores > threshold]
    assert above.scores.tolist() == found.scores[found.scores > threshold].tolist()
    assert np.array_equal(above.masks, found.masks[found.scores > threshold])
    for index in ([1, 0], np.array([1]), torch.tensor([1, 0]), slice(0, 1), slice(None, None, -1), [], [0]):
        which = np.asarray(index, dtype=int) if not isinstance(index, slice) else index
        assert np.array_equal(found[index].boxes, found.boxes[which])
    assert found[-1].scores[0] == found.scores[-1] and [one.scores[0] for one in found] == found.scores.tolist()
    assert len(found[found.names == found.names[0]]) == found.counts[found.names[0]]
    with pytest.raises(IndexError):
        found[len(found)]
    with pytest.raises(IndexError, match=r"1 values for \d+ objects"):
        found[np.array([True])]


def test_its_dict_is_json_with_an_entry_an_object_in_the_same_order(found):
    told = json.loads(json.dumps(found.to_dict()))
    assert told["shape"] == list(found.shape) and told["source"] == found.source
    assert told["kind"] == {1: "recording", 2: "image", 3: "scan"}[len(found.shape)]
    assert [one["category"] for one in told["objects"]] == found.names.tolist()
    assert [one["score"] for one in told["objects"]] == pytest.approx(found.scores.tolist(), abs=1e-4)
    back = found[::-1].to_dict()["objects"]
    assert [one["score"] for one in back] == [one["score"] for one in told["objects"][::-1]]


def test_its_entries_are_those_that_predict_writes(found, maskrcnn, tmp_path):
    model = tmp_path / "model.safetensors"
    model_file = next(Path(found.source).parent.glob("*.safetensors"))
    model.write_bytes(model_file.read_bytes())
    assert maskrcnn("predict", found.source, "--model", model, "--score", 0.05, "--out", tmp_path / "out").code == 0
    written = json.loads((tmp_path / "out" / "predictions.json").read_text())
    of_file = {"file_name", "image_id", "id", "map"}
    by_score = lambda entry: (-entry["score"], json.dumps(entry, sort_keys=True))  # noqa: E731
    expected = sorted(({k: v for k, v in one.items() if k not in of_file} for one in written), key=by_score)
    assert sorted(found.to_dict()["objects"], key=by_score) == expected


def test_its_picture_is_drawn_and_saved_whole(found, tmp_path):
    path = found.save(tmp_path / "new" / "out.png")
    assert Image.open(path).size == found.draw().size
    assert found.save(tmp_path / "out.jpg").stat().st_size > 0
    told = json.loads(found.save(tmp_path / "out.json").read_text())
    assert told == json.loads(json.dumps(found.to_dict()))
    with pytest.raises(UsageError, match=r"out.xyz is no name for results: it must end in .png"):
        found.save(tmp_path / "out.xyz")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["new", "out.jpg", "out.json"]


def test_coco_s_results_are_accepted_by_its_own_library(picture, tmp_path):
    from pycocotools.coco import COCO

    (tmp_path / "truth.json").write_text(
        json.dumps(
            {
                "info": {},
                "images": [{"id": "one", "height": 48, "width": 64, "file_name": "one.png"}],
                "categories": [{"id": 1, "name": "disc"}, {"id": 2, "name": "brick"}],
                "annotations": [],
            }
        )
    )
    loaded = COCO(tmp_path / "truth.json").loadRes(picture.to_coco())
    masks = [loaded.annToMask(one) for one in loaded.anns.values()]
    assert np.array_equal(np.array(masks, bool), picture.masks)


def test_other_programs_get_pictures_alone(found, tmp_path):
    calls = (found.to_coco, found.to_torchvision, found.to_geojson, lambda: found.save(tmp_path / "a.geojson"))
    for call in calls:
        if len(found.shape) == 2:
            assert call()
        else:
            with pytest.raises(UsageError, match=r"is for pictures, not for a (recording|scan); to_dict\(\) has all"):
                call()


def test_qupath_and_imagej_get_files(picture, tmp_path):
    pytest.importorskip("roifile")
    plain = json.loads(picture.save(tmp_path / "a.geojson").read_text())
    packed = json.loads(gzip.decompress(picture.save(tmp_path / "a.geojson.gz").read_bytes()))
    assert plain == packed == json.loads(json.dumps(picture.to_geojson()))
    assert picture.save(tmp_path / "a.zip").read_bytes()[:2] == b"PK" and len(picture.to_imagej()) == len(picture)


def test_a_notebook_shows_the_picture_and_a_table(found):
    png = found._repr_png_()
    assert png.startswith(PNG) and max(Image.open(io.BytesIO(png)).size) <= 4096
    page = found._repr_html_()
    assert page.startswith(f"<p><b>{found!r}</b></p><img ") and "data:image/png;base64,iVBOR" in page
    rows = page.split("<tbody>")[1].count("<tr>")
    assert rows == min(20, len(found)) and (f"and {len(found) - 20} more" in page) == (len(found) > 20)
    assert "<table>" not in found[:0]._repr_html_()


def test_class_names_cannot_write_into_the_page(picture):
    info = dataclasses.replace(picture.info, class_names=("<script>", "<script>"))
    page = dataclasses.replace(picture, info=info)._repr_html_()
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_models_of_boxes_have_no_masks(tmp_path):
    model = load(save_tiny_model(tmp_path / "boxes.safetensors", mask_head=None))
    found = model(save_photo(tmp_path / "photo.png"))
    assert found.masks is None and found.keypoints is None and len(found) > 0
    widths, heights = (found.boxes[:, 2:] - found.boxes[:, :2]).astype(float).T
    assert found.areas.tolist() == np.round(widths * heights).astype(int).tolist()
    assert found.to_dict()["objects"][0].keys() == {"category", "category_id", "bbox", "score"}
