from __future__ import annotations

import csv
import itertools
import json
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from maskrcnn.errors import UsageError
from maskrcnn.modalities.volumes.orientation import turn_to_canonical
from maskrcnn.modalities.volumes.read import read_label_volume, read_volume
from maskrcnn.modalities.volumes.results.objects import best_first, found_objects
from maskrcnn.modalities.volumes.results.writer import VolumeWriter
from maskrcnn.modalities.volumes.volume import FileSpace, Turn, Volume
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances

nibabel = pytest.importorskip("nibabel")

ORGANS = ["liver", "left kidney"]
SHAPE = (6, 7, 8)  # of the file, tensor order
LIES = np.array([[0.0, -2.0, 0, 40], [0, 0, 3.0, -10], [0.5, 0, 0, 100], [0, 0, 0, 1]])  # i up, j to the left, k front


def scan(affine: np.ndarray | None = LIES, container: str = "nifti", **changes) -> Volume:
    """Noise in the canonical axes of a file of ``SHAPE``."""
    turn, turned, spacing = Turn.none(3), None, None
    if affine is not None:
        turn, turned, spacing = turn_to_canonical(affine, SHAPE, Path("scan"))
    stored = np.random.default_rng(0).normal(100, 20, size=(1, *SHAPE)).astype(np.float32)
    samples = torch.from_numpy(np.ascontiguousarray(turn.apply(stored)))
    fields = {"spacing": spacing, "affine": turned, "space": FileSpace(container, SHAPE, turn, affine)}
    return Volume(samples, **(fields | changes))


def blocks(*corners: Sequence[int]) -> list[np.ndarray]:
    """Masks of z1 z2 y1 y2 x1 x2 in the axes of the samples of :func:`scan`."""
    shape = scan().samples.shape[1:]
    masks = [np.zeros(shape, dtype=bool) for _ in corners]
    for mask, (z1, z2, y1, y2, x1, x2) in zip(masks, corners):
        mask[z1:z2, y1:y2, x1:x2] = True
    return masks


def found(masks: Sequence[np.ndarray], labels: Sequence[int], scores: Sequence[float], with_masks=True) -> Instances:
    """Boxes are a little larger than the masks."""
    regions = Regions.from_masks(masks, scan().samples.shape[1:])
    grown = regions.boxes() + np.array([-0.2, -0.2, -0.2, 0.2, 0.2, 0.2], dtype=np.float32)
    numbers = torch.tensor(labels, dtype=torch.int64)
    scored = torch.tensor(scores, dtype=torch.float32)
    return Instances(torch.from_numpy(grown).reshape(-1, 6), numbers, scored, regions=regions if with_masks else None)


def write(out: Path, volume: Volume, detections: Instances, names=ORGANS, source="in/p1.nii.gz", **options):
    writer = VolumeWriter(out, names, **options)
    writer.add(source, volume, detections)
    writer.close()


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def two_that_overlap() -> Instances:
    return found(blocks((0, 4, 0, 3, 0, 4), (2, 6, 1, 5, 2, 6)), [1, 2], [0.55, 0.87654])


def test_maps_overlay_and_the_surer_object_has_the_voxel(tmp_path: Path) -> None:
    volume, detections = scan(), two_that_overlap()
    write(tmp_path, volume, detections)
    less_sure, surer = (detections.regions.mask(i) for i in range(2))
    instances, classes = (nibabel.load(tmp_path / f"p1.{name}.nii.gz") for name in ("instances", "classes"))
    for image, numbers in ((instances, (1, 2)), (classes, (2, 1))):
        np.testing.assert_array_equal(image.affine, LIES)
        expected = np.where(surer, numbers[0], np.where(less_sure, numbers[1], 0))
        np.testing.assert_array_equal(np.asarray(image.dataobj).T, volume.space.turn.undo(expected))
    assert {path.name for path in tmp_path.iterdir()} == {
        "p1.instances.nii.gz",
        "p1.classes.nii.gz",
        "p1.csv",
        "p1.png",
        "p1.projections.png",
        "predictions.json",
        "summary.csv",
    }
    assert Image.open(tmp_path / "p1.png").width >= 800


def test_one_class_needs_no_map_of_classes(tmp_path: Path) -> None:
    write(tmp_path, scan(), found(blocks((0, 2, 0, 2, 0, 2)), [1], [0.9]), ["lesion"])
    assert not (tmp_path / "p1.classes.nii.gz").exists()
    assert read_label_volume(tmp_path / "p1.instances.nii.gz").numbers.sum() == 8


def test_list_and_table(tmp_path: Path) -> None:
    write(tmp_path, scan(), two_that_overlap(), category_ids=[10, 20])
    first, second = json.loads((tmp_path / "predictions.json").read_text(encoding="utf-8"))
    # x runs against j (of 7 rows), y along k, z along i: of the surer one x is 2..5, y 1..4 and z 2..5
    assert first == {
        "file_name": "in/p1.nii.gz",
        "id": "p1",
        "map": "p1.instances.nii.gz",
        "object": 1,
        "category": "left kidney",
        "category_id": 20,
        "score": 0.8765,
        "bbox": [1.8, 0.8, 0.8, 6.2, 5.2, 5.2],
        "x_mm": 40 - 2 * 2.5,
        "y_mm": -10 + 3 * 2.5,
        "z_mm": 100 + 0.5 * 3.5,
        "voxels": 64,
        "volume_mm3": 64 * 3.0,
        "i": 3.5,
        "j": 2.5,
        "k": 2.5,
        "i_first": 2,
        "i_last": 5,
        "j_first": 1,
        "j_last": 4,
        "k_first": 1,
        "k_last": 4,
    }
    assert (second["object"], second["category"], second["voxels"]) == (2, "liver", 48)  # of which 8 are the other's
    table = rows(tmp_path / "p1.csv")
    assert table == rows(tmp_path / "summary.csv")
    assert ",".join(table[0]) == (
        "file,object,class,score,x_mm,y_mm,z_mm,voxels,volume_mm3,i,j,k,i_first,i_last,j_first,j_last,k_first,k_last"
    )
    assert table[0]["file"] == "in/p1.nii.gz" and table[0]["class"] == "left kidney" and table[0]["k_last"] == "4"


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, -1), (-1, -1, -1)])
def test_places_are_those_of_the_file(order: tuple[int, ...], signs: tuple[int, ...]) -> None:
    affine = np.eye(4)
    affine[:3, :3] = (np.diag(signs) * (0.5, 0.75, 3.0))[list(order)]
    affine[:3, 3] = (1.0, 2.0, 3.0)
    volume = scan(affine)
    generator = np.random.default_rng(1)
    mask = generator.random(tuple(volume.samples.shape[1:])) < 0.02
    mask[1, 2, 3] = True
    regions = Regions.from_masks([mask], mask.shape)
    boxes = torch.from_numpy(regions.boxes())
    detections = Instances(boxes, torch.tensor([1]), torch.tensor([0.9]), regions=regions)
    (one,) = found_objects(*best_first(detections, mask.shape), ["a"], volume)
    indices = np.argwhere(volume.space.turn.undo(mask))[:, ::-1]  # i, j, k of each voxel
    np.testing.assert_allclose(one.index, indices.mean(axis=0), atol=0.006)
    assert one.low == tuple(indices.min(axis=0)) and one.high == tuple(indices.max(axis=0))
    assert one.bbox == (*indices.min(axis=0), *(indices.max(axis=0) + 1))
    assert one.voxels == len(indices) and one.volume_mm3 == pytest.approx(len(indices) * 1.125)
    np.testing.assert_allclose(one.position, (affine @ [*indices.mean(axis=0), 1])[:3], atol=0.001)


def test_of_a_stack_without_an_orientation_millimetres_count_from_its_first_voxel(tmp_path: Path) -> None:
    stack = {"affine": None, "container": "tiff"}
    masks = [np.zeros(SHAPE, dtype=bool)]
    masks[0][1:3, 2:5, 4] = True
    detections = Instances(
        torch.tensor([[4.0, 2, 1, 5, 5, 3]]),
        torch.tensor([1]),
        torch.tensor([0.9]),
        regions=Regions.from_masks(masks, SHAPE),
    )
    writer = VolumeWriter(tmp_path, ["cell"])
    writer.add("a/x.ome.tif", scan(**stack, spacing=(2e-4, 2e-4, 1e-3)), detections)
    writer.add("a/x.tif", scan(**stack), detections)
    writer.close()
    known, unknown = rows(tmp_path / "summary.csv")
    assert [known[f"{axis}_mm"] for axis in "xyz"] == ["0.0008", "0.0006", "0.0015"]
    assert float(known["volume_mm3"]) == pytest.approx(6 * 4e-11)
    assert [unknown[key] for key in ("x_mm", "y_mm", "z_mm", "volume_mm3")] == [""] * 4
    assert [unknown[key] for key in ("voxels", "i", "j", "k", "i_first", "k_last")] == [
        "6",
        "4.0",
        "3.0",
        "1.5",
        "4",
        "2",
    ]
    assert json.loads((tmp_path / "predictions.json").read_text())[1]["x_mm"] is None
    np.testing.assert_array_equal(read_label_volume(tmp_path / "x-2.instances.tif").numbers, masks[0])


def test_of_boxes_the_voxels_of_the_box_count(tmp_path: Path) -> None:
    masks = blocks((0, 4, 0, 3, 0, 4), (2, 6, 1, 5, 2, 6))
    write(tmp_path, scan(), found(masks, [1, 2], [0.9, 0.8], with_masks=False), cutouts=True)
    assert [row["voxels"] for row in rows(tmp_path / "p1.csv")] == ["48", "64"]
    expected = np.where(masks[0], 1, np.where(masks[1], 2, 0))
    np.testing.assert_array_equal(read_label_volume(tmp_path / "p1.instances.nii.gz").numbers, expected)
    assert len(list((tmp_path / "cutouts").iterdir())) == 2


def test_a_mask_that_covers_nothing(tmp_path: Path) -> None:
    detections = found([*blocks((1, 2, 1, 2, 1, 2)), np.zeros(scan().samples.shape[1:], bool)], [1, 2], [0.6, 0.9])
    detections.boxes[1] = torch.tensor([2.0, 3, 4, 4, 4, 6])
    write(tmp_path, scan(), detections, cutouts=True)
    nothing, one = rows(tmp_path / "p1.csv")
    assert (nothing["voxels"], nothing["volume_mm3"]) == ("0", "0.0")
    assert [nothing[key] for key in ("i", "i_first", "i_last")] == ["4.5", "4", "5"]  # of the box
    assert [path.name for path in (tmp_path / "cutouts").iterdir()] == ["p1_cutout_2_liver.nii.gz"]
    assert read_label_volume(tmp_path / "p1.instances.nii.gz").numbers.max() == 2 and one["object"] == "2"


def test_nothing_was_found(tmp_path: Path) -> None:
    write(tmp_path, scan(), found([], [], []), cutouts=True)
    assert not read_label_volume(tmp_path / "p1.instances.nii.gz").numbers.any()
    assert rows(tmp_path / "p1.csv") == rows(tmp_path / "summary.csv") == []
    assert json.loads((tmp_path / "predictions.json").read_text()) == []


def test_cutouts_lie_where_they_were(tmp_path: Path) -> None:
    volume, detections = scan(), two_that_overlap()
    write(tmp_path, volume, detections, cutouts=True)
    mask = detections.regions.mask(1)
    piece = read_volume(tmp_path / "cutouts" / "p1_cutout_1_left-kidney.nii.gz")
    z, y, x = detections.regions.window_slices(1)
    np.testing.assert_array_equal(piece.samples[0].numpy(), (volume.samples[0].numpy() * mask)[z, y, x])
    np.testing.assert_allclose(piece.affine[:3, 3], (volume.affine @ [x.start, y.start, z.start, 1])[:3])
    np.testing.assert_array_equal(piece.affine[:3, :3], volume.affine[:3, :3])


def test_many_objects_get_wider_numbers(tmp_path: Path) -> None:
    places = np.argwhere(np.ones(scan().samples.shape[1:]))[:300]
    regions = Regions.from_windows(scan().samples.shape[1:], ((place, np.ones((1, 1, 1), bool)) for place in places))
    scores = torch.linspace(0.9, 0.5, 300)
    boxes = torch.from_numpy(regions.boxes())
    write(tmp_path, scan(), Instances(boxes, torch.ones(300, dtype=torch.int64), scores, regions=regions))
    instances, classes = (nibabel.load(tmp_path / f"p1.{name}.nii.gz") for name in ("instances", "classes"))
    assert (instances.get_data_dtype(), classes.get_data_dtype()) == (np.uint16, np.uint8)
    assert np.asarray(instances.dataobj).max() == 300


def test_scans_of_one_name(tmp_path: Path) -> None:
    writer = VolumeWriter(tmp_path, ORGANS)
    for source in ("a/p1.nii", "b/P1.mgz", "c/p1.instances.nii"):
        writer.add(source, scan(), two_that_overlap())
    writer.close()
    maps = {path.name for path in tmp_path.glob("*.instances.nii.gz")}
    assert maps == {"p1.instances.nii.gz", "P1-2.instances.nii.gz", "p1.instances-2.instances.nii.gz"}
    assert {entry["map"] for entry in writer.lists.entries()} == maps


def test_results_never_fall_among_the_scans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    series = tmp_path / "series"
    series.mkdir()
    for out, source in ((tmp_path, tmp_path / "p1.nii"), (series, series), (tmp_path, tmp_path / "cutouts" / "p1.nii")):
        with pytest.raises(UsageError, match="could overwrite the scans"):
            VolumeWriter(out, ORGANS).add(source, scan(), two_that_overlap())
    assert [path.name for path in tmp_path.iterdir()] == ["series"] and not list(series.iterdir())
    VolumeWriter(tmp_path / "out", ORGANS).add(series, scan(container="dicom"), two_that_overlap())
    assert (tmp_path / "out" / "series.instances.nii.gz").exists()
    monkeypatch.chdir(series)
    VolumeWriter(tmp_path / "here", ORGANS).add(".", scan(container="dicom"), two_that_overlap())
    assert (tmp_path / "here" / "series.instances.nii.gz").exists()


def test_one_volume_of_numbers_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shape = (64, 160, 160)
    generator = np.random.default_rng(0)
    places = generator.integers(0, [40, 130, 130], size=(300, 3))
    regions = Regions.from_windows(shape, ((place, np.ones((20, 25, 30), bool)) for place in places))
    boxes, labels = torch.from_numpy(regions.boxes()), torch.ones(300, dtype=torch.int64)
    detections = Instances(boxes, labels, torch.linspace(0.9, 0.5, 300), regions=regions)
    affine = np.diag([-1.0, -1.0, 2.0, 1.0])
    turn, turned, spacing = turn_to_canonical(affine, shape, Path("scan"))
    volume = Volume(torch.zeros(1, *shape), spacing, turned, FileSpace("nifti", shape, turn, affine))
    for name in ("draw_montage", "draw_projections"):
        monkeypatch.setattr(
            f"maskrcnn.modalities.volumes.results.writer.{name}", lambda *_, **__: Image.new("RGB", (8, 8))
        )
    writer = VolumeWriter(tmp_path, ORGANS)
    writer.add("in/warm.nii", scan(), two_that_overlap())
    tracemalloc.start()
    try:
        writer.add("in/p1.nii", volume, detections)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.3 * 2 * np.prod(shape)  # of two bytes each
