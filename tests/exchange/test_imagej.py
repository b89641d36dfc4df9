"""Regions of ImageJ, read back with roifile."""

import dataclasses
import sys

import numpy as np
import pytest
import torch

from exchange.found_objects import NAMES, SHAPE, masks, some_objects
from maskrcnn.errors import UsageError
from maskrcnn.exchange.imagej import to_rois, write_rois
from naive import fill_rings

roifile = pytest.importorskip("roifile", reason="roifile is not installed: pip install roifile")


def painted(roi):
    """What a region covers: what lies in an odd number of its rings."""
    return fill_rings([[tuple(corner) for corner in ring] for ring in roi.coordinates(multi=True)], SHAPE)


@pytest.fixture
def rois(tmp_path):
    write_rois(tmp_path / "found.zip", some_objects(), NAMES)
    return roifile.roiread(tmp_path / "found.zip")


def test_each_object_is_a_region_with_its_name(rois):
    assert [roi.name for roi in rois] == ["0001 disc 0.90", "0002 brick 0.75", "0003 disc 0.50"]


def test_they_cover_what_the_masks_cover(rois):
    assert np.array_equal(painted(rois[0]), masks()[0]) and np.array_equal(painted(rois[1]), masks()[1])


def test_holes_and_parts_are_a_composite_and_the_rest_polygons(rois):
    assert rois[0].composite and len(rois[0].coordinates(multi=True)) == 3
    assert (rois[0].left, rois[0].top, rois[0].right, rois[0].bottom) == (8, 5, 20, 22)
    assert not rois[1].composite and rois[1].roitype == roifile.ROI_TYPE.POLYGON
    assert rois[2].roitype == roifile.ROI_TYPE.RECT and (rois[2].left, rois[2].right) == (1, 3)  # an empty mask


def test_models_of_boxes_give_rectangles(tmp_path):
    rois = to_rois(some_objects(with_masks=False), NAMES)
    assert [roi.roitype for roi in rois] == [roifile.ROI_TYPE.RECT] * 3


def test_nothing_found_is_an_empty_zip_and_an_old_one_is_replaced(tmp_path):
    path = tmp_path / "found.zip"
    write_rois(path, some_objects(), NAMES)
    write_rois(path, some_objects()[:0], NAMES)
    assert len(roifile.roiread(path)) == 0 and list(tmp_path.iterdir()) == [path]


def test_a_class_with_a_slash_makes_no_folder_in_the_zip(tmp_path):
    found = dataclasses.replace(some_objects(), labels=torch.ones(3, dtype=torch.int64))
    write_rois(tmp_path / "found.zip", found, ("and/or",))
    assert len(roifile.roiread(tmp_path / "found.zip")) == 3


def test_where_it_is_not_installed_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "roifile", None)
    with pytest.raises(UsageError, match=r"roifile must be installed: pip install 'maskrcnn\[imagej\]'"):
        write_rois(tmp_path / "found.zip", some_objects(), NAMES)
