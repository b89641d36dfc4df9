"""What supervision makes of our objects."""

import sys

import numpy as np
import pytest

from exchange.found_objects import NAMES, masks, some_objects
from maskrcnn.errors import UsageError
from maskrcnn.exchange.supervision import to_supervision

supervision = pytest.importorskip("supervision", reason="supervision is not installed: pip install supervision")


def test_detections_are_the_same_objects():
    found = some_objects()
    detections = to_supervision(found, NAMES)
    assert isinstance(detections, supervision.Detections) and len(detections) == 3
    assert np.array_equal(detections.xyxy, found.boxes.numpy())
    assert detections.confidence.tolist() == pytest.approx([0.9, 0.75, 0.5])
    assert detections.class_id.tolist() == [0, 1, 0] and detections["class_name"].tolist() == ["disc", "brick", "disc"]
    assert np.array_equal(np.asarray(detections.mask), masks())
    assert np.array_equal(detections[1].mask[0], masks()[1])


def test_masks_are_compact_where_the_library_has_them():
    compact = getattr(supervision, "CompactMask", None) or pytest.skip("this supervision has no CompactMask")
    assert isinstance(to_supervision(some_objects(), NAMES).mask, compact)


def test_an_older_library_gets_whole_masks(monkeypatch):
    monkeypatch.delattr(supervision, "CompactMask", raising=False)
    assert np.array_equal(to_supervision(some_objects(), NAMES).mask, masks())


def test_its_annotators_draw_them():
    picture = np.zeros((*masks().shape[1:], 3), np.uint8)
    drawn = supervision.MaskAnnotator().annotate(picture.copy(), to_supervision(some_objects(), NAMES))
    assert drawn[32, 50].any() and not drawn[0, 0].any()


@pytest.mark.parametrize("which", [slice(0, 0), slice(0, 3)])
def test_boxes_alone_and_nothing_at_all(which):
    detections = to_supervision(some_objects(with_masks=False)[which], NAMES)
    assert detections.mask is None and len(detections) == which.stop
    assert len(to_supervision(some_objects()[:0], NAMES)) == 0


def test_where_it_is_not_installed_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "supervision", None)
    with pytest.raises(UsageError, match=r"supervision must be installed: pip install 'maskrcnn\[supervision\]'"):
        to_supervision(some_objects(), NAMES)
