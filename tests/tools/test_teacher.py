"""Views of one photo: boxes come back to the photo, cut ones are dropped, and the rest is fused to one an object."""

import pytest
import torch

import teacher
from teacher import Found, View, cached_looks, fuse, is_whole, look, look_all, make_views

WHOLE, MIRRORED = View(0, 0, 1, 1, False), View(0, 0, 1, 1, True)
LEFT = View(0, 0, 0.6, 1, False)


class Finder:
    """In place of the detector: finds the one bright rectangle of a photo, category 7."""

    def __init__(self):
        self.calls = 0

    def detect(self, photo, min_score):
        self.calls += 1
        lit = (photo[..., 0] > 0).nonzero()
        if len(lit) == 0:
            return torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, dtype=torch.long)
        box = torch.cat([lit.amin(0), lit.amax(0) + 1]).float()
        return box[None], torch.tensor([0.8]), torch.tensor([7])


def photo(x1, y1, x2, y2, height=50, width=100):
    pixels = torch.zeros(height, width, 3, dtype=torch.uint8)
    pixels[y1:y2, x1:x2] = 255
    return pixels


@pytest.mark.parametrize("view", make_views())
def test_every_view_gives_boxes_of_the_whole_photo_or_none(view):
    boxes, scores, labels = look(Finder(), photo(45, 22, 55, 28), view)  # inside all the crops
    assert boxes.tolist() == [[45, 22, 55, 28]]
    assert (scores.tolist(), labels.tolist()) == ([pytest.approx(0.8)], [7])


def test_what_an_inner_border_cuts_is_dropped():
    cut = photo(45, 20, 90, 30)
    assert len(look(Finder(), cut, LEFT)[0]) == 0
    assert look(Finder(), cut, WHOLE)[0].tolist() == [[45, 20, 90, 30]]


def test_a_box_may_end_where_the_photo_does():
    assert look(Finder(), photo(0, 0, 20, 50), LEFT)[0].tolist() == [[0, 0, 20, 50]]
    boxes = torch.tensor([[0.0, 0.0, 59.0, 50.0], [0.0, 0.0, 58.0, 50.0]])
    assert is_whole(boxes, (0, 0, 60, 50), (50, 100)).tolist() == [False, True]


def test_a_box_without_extent_is_dropped():
    assert is_whole(torch.zeros(1, 4), (0, 0, 100, 50), (50, 100)).tolist() == [True]
    thin = Finder()
    thin.detect = lambda photo, low: (torch.tensor([[5.0, 5.0, 5.0, 9.0]]), torch.ones(1), torch.ones(1).long())
    assert len(look(thin, photo(1, 1, 2, 2), WHOLE)[0]) == 0


def found(*rows):
    """From rows (x1, y1, x2, y2, score, label, view)."""
    table = torch.tensor(rows).reshape(-1, 7)
    return Found(table[:, :4], table[:, 4], table[:, 5].long(), table[:, 6].long())


def test_two_views_of_one_object_become_its_mean_weighted_by_score():
    fused = fuse(found((0, 0, 10, 10, 0.6, 1, 0), (0, 0, 12, 10, 0.3, 1, 1)), [WHOLE, MIRRORED], (50, 100))
    torch.testing.assert_close(fused.boxes, torch.tensor([[0.0, 0.0, 10 + 2 / 3, 10.0]]))
    torch.testing.assert_close(fused.scores, torch.tensor([0.45]))


def test_of_one_view_only_the_best_counts():
    twice = found((0, 0, 10, 10, 0.6, 1, 0), (0, 0, 11, 10, 0.5, 1, 0), (0, 0, 10, 10, 0.4, 1, 1))
    fused = fuse(twice, [WHOLE, MIRRORED], (50, 100))
    torch.testing.assert_close(fused.scores, torch.tensor([0.5]))
    torch.testing.assert_close(fused.boxes, torch.tensor([[0.0, 0.0, 10.0, 10.0]]))


def test_who_could_see_it_and_did_not_lowers_the_score():
    inside, outside = (10.0, 10, 20, 20, 0.8, 1, 0), (70.0, 10, 80, 20, 0.8, 1, 0)
    assert fuse(found(inside), [WHOLE, LEFT], (50, 100), absence=1.0).scores.tolist() == [pytest.approx(0.4)]
    assert fuse(found(outside), [WHOLE, LEFT], (50, 100), absence=1.0).scores.tolist() == [pytest.approx(0.8)]
    assert fuse(found(inside), [WHOLE, LEFT], (50, 100), absence=0.0).scores.tolist() == [pytest.approx(0.8)]


def test_classes_and_places_stay_apart_and_the_best_comes_first():
    rows = [(0, 0, 10, 10, 0.3, 1, 0), (0, 0, 10, 10, 0.5, 2, 0), (30, 0, 40, 10, 0.9, 1, 0)]
    fused = fuse(found(*rows), [WHOLE], (50, 100))
    assert list(zip(fused.labels.tolist(), fused.boxes[:, 0].tolist())) == [(1, 30), (2, 0), (1, 0)]


def test_nothing_found_stays_nothing():
    assert len(fuse(found(), [WHOLE], (50, 100)).scores) == 0


def test_looks_are_kept_and_not_repeated(tmp_path, monkeypatch):
    monkeypatch.setattr(teacher, "read_photo", lambda path: photo(45, 22, 55, 28))
    files, model = [tmp_path / "a.jpg", tmp_path / "b.jpg"], Finder()
    first = list(cached_looks(model, files, make_views()[:4], tmp_path / "cache"))
    assert model.calls == 8
    again = list(cached_looks(model, files[::-1], make_views()[:2], tmp_path / "cache"))
    assert model.calls == 8
    assert first[0].views.tolist() == [0, 1, 2, 3] and again[0].views.tolist() == [0, 1]
    one = list(cached_looks(model, files, make_views()[3:4], tmp_path / "cache"))
    assert model.calls == 8 and one[0].views.tolist() == [0]
    expected = look_all(model, photo(45, 22, 55, 28), make_views()[:4])
    assert all(torch.equal(a, b) for a, b in zip(first[1], expected))
