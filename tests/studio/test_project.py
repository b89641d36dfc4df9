"""What a page or a script asks the studio for."""

import io
import json
import os

import numpy as np
import pytest
from PIL import Image

from maskrcnn.errors import DataError, UsageError
from maskrcnn.jobs.studio.assistant import Loaded
from maskrcnn.jobs.studio.options import StudioOptions
from maskrcnn.jobs.studio.pictures import TILE, Pictures
from studio_client import box, labels_of


def test_images_are_listed_searched_and_counted(photos, open_studio):
    client = open_studio(photos)
    found = client.get("/api/images").json()
    assert (found["total"], found["counts"]) == (3, {"todo": 3})
    assert [line["name"] for line in found["images"]] == ["a.png", "b.png", "deep/c.png"]
    client.draw(2, (None, box(1, 1, 5, 5)))
    client.put("/api/images/3/status", {"status": "done"})
    names = lambda query: [line["name"] for line in client.get(f"/api/images?{query}").json()["images"]]  # noqa: E731
    assert names("status=draft") == ["b.png"] and names("status=done") == ["deep/c.png"]
    assert names("search=DEEP") == ["deep/c.png"] and names("class_name=cat") == ["b.png"]
    assert names("offset=1&limit=1") == ["b.png"]
    assert client.get("/api/images?status=odd").status_code == 422
    gallery = client.get("/api/gallery?class_name=cat").json()
    assert (gallery["total"], gallery["objects"][0]["image"]) == (1, 2)


def test_objects_are_found_by_class_and_score(photos, open_studio):
    client = open_studio(photos)
    client.draw(1, (None, box(1, 1, 5, 5, source="model", score=0.4)), (None, box(2, 2, 9, 9)))
    client.draw(2, (None, box(1, 1, 5, 5, "dog", source="model", score=0.8)))
    names = lambda query: [line["name"] for line in client.get(f"/api/images?{query}").json()["images"]]  # noqa: E731
    assert names("below=0.9") == ["a.png", "b.png"] and names("below=0.5") == ["a.png"] and names("below=0.3") == []
    assert names("below=0.9&class_name=dog") == ["b.png"]
    found = client.get("/api/gallery?below=0.9").json()["objects"]
    assert [one["object"]["score"] for one in found] == [0.4, 0.8]


def test_images_that_nobody_has_opened_are_found_by_class(write_coco, open_studio):
    client = open_studio(write_coco([{"bbox": [1, 1, 9, 9]}, {"bbox": [1, 1, 9, 9], "image_id": 2, "category_id": 8}]))
    first, second = client.get("/api/project").json()["class_names"][:2]
    found = {name: client.get(f"/api/images?class_name={name}").json() for name in (first, second)}
    assert [[line["id"] for line in found[name]["images"]] for name in (first, second)] == [[1], [2]]
    assert found[first]["unread"] == 0


def test_an_image_that_was_only_looked_at_is_saved_as_it_came(write_coco, open_studio):
    path = write_coco([{"bbox": [1, 1, 9, 9], "note": "keep"}, {"bbox": [20, 1, 9, 9]}])
    client = open_studio(path)
    before = labels_of(path)
    journal = client.desk.project.journal
    image = client.get("/api/images/1").json()
    looked = journal.imported(image["name"])
    assert looked[100][1]["note"] == "keep"
    client.draw(1, (101, None), seq=image["seq"])
    assert journal.imported(image["name"]) == looked  # as it was written down with the first stroke
    client.post("/api/saving")
    assert labels_of(path)["annotations"] == before["annotations"][:1]


def test_strokes_are_undone_and_done_again(photos, open_studio):
    client = open_studio(photos)
    first = client.draw(1, (None, box(1, 1, 5, 5))).json()
    number = first["changes"][0]["id"]
    assert (first["undo"], first["redo"], first["status"], first["class_names"]) == (1, 0, "draft", ["cat"])
    client.draw(1, (number, box(2, 1, 5, 5, "dog")), seq=first["seq"])
    undone = client.post("/api/images/1/undo").json()
    assert undone["changes"][0]["after"]["class"] == "cat" and (undone["undo"], undone["redo"]) == (1, 1)
    client.post("/api/images/1/undo")
    assert client.get("/api/images/1").json()["objects"] == []
    assert client.post("/api/images/1/undo").status_code == 409
    client.post("/api/images/1/redo")
    [again] = client.get("/api/images/1").json()["objects"]
    assert (again["id"], again["class"], again["box"]) == (number, "cat", [1, 1, 5, 5])
    assert client.draw(1, (number, box(3, 1, 5, 5)), seq=first["seq"]).status_code == 409  # it was changed since


def test_an_image_that_cannot_be_read_is_said_and_stops_nothing(photos, open_studio):
    (photos / "broken.png").write_bytes(b"no image")
    (photos / "empty.jpg").touch()
    client = open_studio(photos)
    lines = {line["name"]: line["id"] for line in client.get("/api/images").json()["images"]}
    for name, told in (("broken.png", "not an image"), ("empty.jpg", "empty")):
        for path in ("", "/picture", "/small"):
            answer = client.get(f"/api/images/{lines[name]}{path}")
            assert answer.status_code == 422 and told in answer.json()["detail"]
    assert client.draw(lines["a.png"], (None, box(1, 1, 5, 5))).status_code == 200
    (photos / "b.png").unlink()
    assert "b.png" in client.get(f"/api/images/{lines['b.png']}").json()["detail"]


def test_pictures_are_sent_as_they_are_labelled(tmp_path, photos, open_studio):
    turned = Image.fromarray(np.arange(24, dtype=np.uint8).reshape(4, 6).repeat(10, 0).repeat(10, 1))
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(photos / "turned.jpg", exif=exif)
    Image.fromarray((np.arange(2400, dtype=np.uint16) * 20).reshape(40, 60)).save(photos / "deep.png")
    client = open_studio(photos)
    lines = {line["name"]: line["id"] for line in client.get("/api/images").json()["images"]}
    for name, size in (("a.png", (60, 40)), ("turned.jpg", (40, 60)), ("deep.png", (60, 40))):
        image = client.get(f"/api/images/{lines[name]}").json()
        answer = client.get(f"/api/images/{lines[name]}/picture")
        shown = Image.open(io.BytesIO(answer.content))
        assert (image["width"], image["height"]) == size == shown.size
        assert shown.getexif().get(0x0112, 1) == 1 and shown.mode in ("RGB", "L")
    assert client.get(f"/api/images/{lines['a.png']}/picture").content == (photos / "a.png").read_bytes()
    part = Image.open(io.BytesIO(client.get(f"/api/images/{lines['a.png']}/small?box=10,5,30,25").content))
    assert part.size == (20, 20)


def test_a_window_of_a_16_bit_image_shows_its_values(photos, open_studio):
    values = (np.arange(40 * 60, dtype=np.uint16) * 20).reshape(40, 60)
    Image.fromarray(values).save(photos / "deep.png")
    client = open_studio(photos)
    number = next(line["id"] for line in client.get("/api/images").json()["images"] if line["name"] == "deep.png")
    least, low, high, most = client.get(f"/api/images/{number}").json()["depth"]
    assert (least, most) == (0, 20 * 2399) and 0 < low < 100 and most - 100 < high < most
    assert client.get("/api/images/1").json()["depth"] is None
    answer = client.get(f"/api/images/{number}/picture?window=1000,2000")
    shown = np.array(Image.open(io.BytesIO(answer.content)).convert("L")).astype(float)
    assert np.abs(shown - np.clip((values.astype(float) - 1000) / 1000 * 255, 0, 255)).max() <= 1
    tile = client.get(f"/api/images/{number}/tiles/0/0/0?window=1000,2000")
    assert np.array_equal(np.array(Image.open(io.BytesIO(tile.content)).convert("L")), shown)
    assert client.get(f"/api/images/{number}/picture?window=nan,1").status_code == 422
    plain = client.get("/api/images/1/picture")
    assert client.get("/api/images/1/picture?window=1,2").content == plain.content  # it has no other values


def test_tiles_put_together_are_the_image(tmp_path):
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 255, (700, 1300, 3), dtype=np.uint8)
    path = tmp_path / "large.png"
    Image.fromarray(pixels).save(path)
    pictures = Pictures()

    def open_tile(level, column, row):
        content = pictures.tile(path, (700, 1300), (level, column, row)).content
        return np.asarray(Image.open(io.BytesIO(content)))

    whole = np.concatenate([np.concatenate([open_tile(0, c, r) for c in range(3)], axis=1) for r in range(2)])
    assert np.array_equal(whole, pixels)
    top = open_tile(2, 0, 0)
    assert top.shape == (175, 325, 3) and max(top.shape) <= TILE
    exact = pixels[:700, :1300].reshape(175, 4, 325, 4, 3).mean((1, 3))
    assert np.abs(top - exact).max() <= 1.5
    photo = tmp_path / "large.jpg"  # smooth, so that packing it changes little
    across, down = np.mgrid[0:701, 0:1299][::-1]
    Image.fromarray(np.stack([across % 256, down % 256, (across + down) % 200], -1).astype(np.uint8)).save(photo)
    halved = np.asarray(Image.open(photo).reduce(2), np.float64)
    first = np.asarray(Image.open(io.BytesIO(pictures.tile(photo, (701, 1299), (1, 0, 0)).content)), np.float64)
    assert first.shape == (351, 512, 3) and np.abs(first - halved[:351, :512]).mean() < 4
    for wrong in ((0, 3, 0), (0, 0, 2), (9, 0, 0), (-1, 0, 0), (0, -1, 0)):
        with pytest.raises(DataError):
            pictures.tile(path, (700, 1300), wrong)


def test_labels_that_cannot_be_written_are_said_and_stay_in_the_journal(photos, open_studio):
    client = open_studio(photos)
    client.draw(1, (None, box(1, 1, 5, 5)))
    (photos / "labels.json").mkdir()
    answer = client.post("/api/saving")
    assert answer.status_code == 422 and "labels.json" in answer.json()["detail"]
    assert client.get("/api/saving").json()["unsaved"] == 1
    (photos / "labels.json").rmdir()
    assert client.post("/api/saving").json()["unsaved"] == 0
    assert len(labels_of(photos / "labels.json")["annotations"]) == 1


def test_classes_and_keypoints_are_kept(photos, open_studio):
    client = open_studio(photos)
    client.post("/api/classes", {"names": ["dog", "cat"]})
    assert client.post("/api/classes", {"names": [" odd "]}).status_code == 422
    client.put("/api/keypoints", {"names": ["head", "tail"], "skeleton": [[0, 1]]})
    client.draw(1, (None, box(1, 1, 9, 9, keypoints=[[3.5, 4.5, 2], [0, 0, 0]])))
    client.post("/api/saving")
    content = labels_of(photos / "labels.json")
    assert [c["name"] for c in content["categories"]] == ["dog", "cat"]
    assert content["categories"][0]["keypoints"] == ["head", "tail"]
    assert content["annotations"][0]["keypoints"] == [3.0, 4.0, 2, 0.0, 0.0, 0]
    client.desk.close()
    again = open_studio(photos).get("/api/project").json()
    assert (again["class_names"], again["keypoint_names"], again["skeleton"]) == (
        ["dog", "cat"],
        ["head", "tail"],
        [[0, 1]],
    )


def test_the_model_colours_boxes_and_proposes_what_is_not_there_yet(photos, tiny_file, open_studio):
    client = open_studio(photos, model=str(tiny_file))
    assert client.get("/api/model").json()["classes"] == ["disc", "brick"]
    answer = client.post("/api/images/1/masks", {"boxes": [[5, 5, 40, 30], [1, 1, 9, 9]], "class_name": "cat"}).json()
    assert [one["class"] for one in answer["objects"]] == ["cat", "cat"]
    for one in answer["objects"]:
        mask = one["mask"]
        if mask is not None:
            x1, y1, x2, y2 = mask["box"]
            assert sum(mask["runs"]) == (x2 - x1) * (y2 - y1)
        assert client.draw(1, (None, one)).status_code == 200  # what it gives can be sent back
    assert len(client.post("/api/images/1/click", {"x": 20, "y": 20}).json()["objects"]) == 1
    found = client.get("/api/images/2/proposals?score=0.05").json()["objects"]
    assert all(one["score"] >= 0.05 and one["source"] == "model" for one in found)
    assert client.get("/api/images/2").json()["objects"] == []  # proposals are nobody's yet
    for one in found:
        client.draw(2, (None, one))
    assert client.get("/api/images/2/proposals?score=0.05").json()["objects"] == []
    assert client.get("/api/next?after=1").json()["id"] == 3


def test_what_model_and_labels_say_differently_is_listed(photos, open_studio, monkeypatch):
    client = open_studio(photos)
    seen = {
        "a.png": [box(2, 2, 20, 20, score=0.9), box(30, 5, 50, 25, score=0.8), box(2, 2, 20, 20, "dog", score=0.7)],
        "c.png": [],
    }
    loaded = client.desk.assistant.loaded
    monkeypatch.setattr(client.desk.assistant, "proposals", lambda path, shape, score, there: _whole(seen[path.name]))
    monkeypatch.setattr(client.desk.assistant, "loaded", lambda: Loaded("x", ("cat", "dog")))
    first = client.draw(1, (None, box(1, 1, 20, 20)), (None, box(35, 30, 55, 39)), (None, box(1, 30, 9, 39, "fish")))
    number = first.json()["changes"][1]["id"]
    client.put("/api/images/3/status", {"status": "done"})
    told = client.get("/api/disagreements").json()
    assert (told["looked"], told["after"]) == (2, None)  # b.png is still to do
    found = [(one["image"], one["kind"], one["id"], one["object"]["class"]) for one in told["found"]]
    # of fish the model knows nothing, so it misses none
    assert found == [(1, "missed", number, "cat"), (1, "false", None, "cat"), (1, "false", None, "dog")]
    monkeypatch.setattr("maskrcnn.jobs.studio.desk.LOOKING", -1.0)
    told = client.get("/api/disagreements").json()
    assert (told["looked"], told["after"]) == (1, 1)
    assert client.get("/api/disagreements?after=1").json() == {"found": [], "looked": 1, "after": None}
    monkeypatch.setattr(client.desk.assistant, "loaded", loaded)


def _whole(bodies):
    known = {"mask": None, "parts": [], "keypoints": [], "attributes": [], "source": "model"}
    return [{**known, **body} for body in bodies]


def test_a_model_that_fails_is_said_and_what_was_drawn_stays(photos, tiny_file, open_studio, monkeypatch):
    from maskrcnn.inference.predictor import Predictor

    def fail(*args):
        raise RuntimeError("not enough memory: you tried to allocate 9 GB\nand more")

    client = open_studio(photos, model=str(tiny_file))
    client.draw(1, (None, box(1, 1, 5, 5)))
    monkeypatch.setattr(Predictor, "masks", fail)
    monkeypatch.setattr(Predictor, "__call__", fail)
    for answer in (
        client.post("/api/images/1/masks", {"boxes": [[1, 1, 9, 9]]}),
        client.get("/api/images/1/proposals"),
        client.post("/api/images/1/click", {"x": 3, "y": 3}),
    ):
        told = answer.json()["detail"]
        assert answer.status_code == 422 and "9 GB" in told and "--model" in told and "more" not in told
    assert client.get("/api/next?after=1").json()["id"] == 2
    assert len(client.get("/api/images/1").json()["objects"]) == 1


def test_the_features_of_an_image_are_kept_from_box_to_box(photos, tiny_file, open_studio, monkeypatch):
    from maskrcnn.inference.predictor import Predictor

    client = open_studio(photos, model=str(tiny_file))
    looked = []
    plain = Predictor.load(str(tiny_file), "cpu")
    kind = type(plain.model.backbone)
    compute = kind.forward
    monkeypatch.setattr(kind, "forward", lambda self, images: looked.append(1) or compute(self, images))

    def ask(number, given):
        return client.post(f"/api/images/{number}/masks", {"boxes": [given]}).json()["objects"][0]

    boxes = ([5, 5, 40, 30], [10, 8, 50, 36], [1, 1, 30, 39])
    found = [ask(1, given) for given in boxes]
    assert len(looked) == 1
    ask(2, boxes[0])
    assert len(looked) == 2
    other = open_studio(photos, journal=photos.parent / "other", model=str(tiny_file))
    for given, before in zip(boxes, found):
        other.desk.assistant.use(str(tiny_file))  # nothing is kept of the box before
        assert other.post("/api/images/1/masks", {"boxes": [given]}).json()["objects"] == [before]


def test_without_a_model_all_else_works(photos, open_studio):
    client = open_studio(photos)
    answer = client.post("/api/images/1/masks", {"boxes": [[1, 1, 9, 9]]})
    assert answer.status_code == 409 and "--model" in answer.json()["detail"]
    assert client.get("/api/next?after=1").json()["id"] == 2
    assert client.put("/api/model", {"name": "gone.safetensors"}).status_code == 409
    assert client.post("/api/training").status_code == 422  # nothing is labelled
    assert client.post("/api/training", {"time": "soon"}).status_code == 409
    assert client.get("/api/training").json()["state"] == "idle"


def test_what_a_training_gets_is_what_somebody_looked_at(photos, open_studio):
    from maskrcnn.jobs.studio.training import write_labels
    from maskrcnn.modalities.open import open_dataset

    client = open_studio(photos)
    client.draw(1, (None, box(1, 1, 20, 20)))
    client.put("/api/images/2/status", {"status": "done"})
    path = photos / ".maskrcnn" / "runs" / "1-labels.json"
    assert write_labels(client.desk.project, path) == 2
    data = open_dataset(path)
    assert [(data[k].file_name.rpartition("/")[2], len(data[k])) for k in range(len(data))] == [
        ("a.png", 1),
        ("b.png", 0),
    ]


def test_an_image_of_too_many_pixels_is_named(photos, open_studio):
    client = open_studio(photos, max_pixels=2399)
    answer = client.get("/api/images/1/small?box=0,0,5,5")
    assert answer.status_code == 422 and "--max-pixels" in answer.json()["detail"]
    client.desk.close()
    assert open_studio(photos).get("/api/images/1/small?box=0,0,5,5").status_code == 200


def test_the_interface_is_documented(photos, open_studio):
    page = open_studio(photos).get("/api/openapi.json").json()
    assert {"/api/images", "/api/images/{number}/strokes", "/api/training"} <= set(page["paths"])
    assert all("description" in way for path in page["paths"].values() for way in path.values())


@pytest.mark.parametrize(
    "given, told",
    [
        ({"port": 70000}, "--port"),
        ({"model": "cats"}, "There is no model cats"),
        ({"max_pixels": 0}, "--max-pixels"),
    ],
)
def test_slips_are_answered_before_anything_is_opened(photos, given, told):
    with pytest.raises(UsageError, match=told):
        StudioOptions(photos, **given).check()
    assert not (photos / ".maskrcnn").exists()


def test_a_folder_that_may_not_be_written_asks_for_another(photos, open_studio, tmp_path):
    if os.geteuid() == 0:
        client = open_studio(photos, journal=tmp_path / "elsewhere")
    else:
        photos.chmod(0o500)
        with pytest.raises(UsageError, match="--journal"):
            StudioOptions(photos, model="none").check()
        client = open_studio(photos, journal=tmp_path / "elsewhere")
    client.draw(1, (None, box(1, 1, 5, 5)))
    assert (tmp_path / "elsewhere" / "studio.db").is_file() and not (photos / ".maskrcnn").exists()


def test_empty_folders_and_other_files_are_refused(tmp_path, photos, open_studio):
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="no image"):
        open_studio(tmp_path / "none")
    with pytest.raises(DataError, match="name the json"):
        open_studio(photos / "a.png")
    with pytest.raises(DataError, match="gone"):
        open_studio(tmp_path / "gone")
    (photos / "odd.json").write_text(json.dumps({"x": 1}))
    with pytest.raises(DataError):
        open_studio(photos / "odd.json")


def test_the_command_says_where_the_page_is(maskrcnn, refused, monkeypatch, photos):
    from maskrcnn.apps.http import serve

    served = []

    def end_at_once(app, place, browse, ready):
        served.append((place, browse))
        place.socket.close()
        ready()

    monkeypatch.setattr(serve, "serve", end_at_once)
    done = maskrcnn("studio", photos, "--no-browser", "--model", "none")
    place, browse = served[0]
    assert done.code == 0 and not browse
    assert f"Studio: http://127.0.0.1:{place.admission.port}/#token={place.admission.token}" in done.out
    assert "3 images; labels go to" in done.err and done.out.endswith("Nothing was labelled.\n")
    assert "does not exist" in refused("studio", photos / "gone")
    assert "--host" in refused("studio", photos, "--host", "203.0.113.7", "--model", "none")
