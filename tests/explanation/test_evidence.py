"""Evidence in the coordinates of the file, however the model looked at it, and what hiding it does to the score."""

import dataclasses

import pytest
import torch
from learned_models import SHAPES, predictor_of

import maskrcnn
from cases import NDIMS, small_model
from maskrcnn.explanation.evidence import explain
from maskrcnn.explanation.occlusion import hottest, random_block
from maskrcnn.structures import Instances


def found_in(*boxes, scores=None):
    return Instances(
        torch.tensor(boxes, dtype=torch.float32),
        torch.ones(len(boxes), dtype=torch.long),
        torch.full((len(boxes),), 0.9) if scores is None else torch.tensor(scores),
    )


def untrained(size=48):
    return predictor_of(small_model(2), size)


def noise(*shape, seed=0):
    return torch.randn(1, *shape, generator=torch.Generator().manual_seed(seed))


@NDIMS
def test_hiding_the_tenth_that_ranks_highest_costs_more_than_a_random_tenth(ndim, learned):
    known, generator = learned(ndim), torch.Generator().manual_seed(0)
    shown, random = [], []
    for image in known.images:
        explanation = explain(known.predictor, image)
        for i, evidence in enumerate(explanation):
            count = round(0.1 * evidence.heat.numel())
            parts = [hottest(evidence.heat, count)]
            parts += [random_block(evidence.heat.shape, count, generator) for _ in range(4)]
            falls = [evidence.seen_again - explanation.score_without(i, part) for part in parts]
            shown.append(falls[0])
            random += falls[1:]
    assert len(shown) >= 8
    assert sum(shown) / len(shown) > 0.1 + sum(random) / len(random)


@NDIMS
def test_evidence_lies_about_its_object(ndim, learned):
    known = learned(ndim)
    inside, parts = [], []
    for image in known.images:
        for evidence in explain(known.predictor, image):
            low, high = (corner.flip(-1) for corner in evidence.box.chunk(2))
            window = tuple(slice(int(a), int(b) + 1) for a, b in zip(low, high))
            heat = evidence.heat.clamp(min=0)
            inside.append(float(heat[window].sum() / heat.sum()))
            parts.append(float((high - low).prod()) / heat.numel())
    assert sum(inside) / len(inside) > 1.5 * sum(parts) / len(parts)


def test_nothing_hidden_changes_nothing_and_all_hidden_is_a_blank_image(learned):
    known = learned(2)
    explanation = explain(known.predictor, known.images[0])
    evidence = explanation[0]
    none, everything = torch.zeros(48, 48, dtype=torch.bool), torch.ones(48, 48, dtype=torch.bool)
    assert explanation.score_without(0, none) == pytest.approx(evidence.seen_again, abs=1e-6)
    assert evidence.score > 0.5 and evidence.seen_again > 0.5
    blank = explain(known.predictor, torch.zeros(1, 48, 48), explanation.found)
    assert explanation.score_without(0, everything) == pytest.approx(blank[0].seen_again, abs=1e-6)


def test_an_enlarged_image_has_its_evidence_at_the_enlarged_place(learned):
    known = learned(2)
    image, found = known.images[0], known.predictor(known.images[0])
    large = image.repeat_interleave(2, 1).repeat_interleave(2, 2)
    twice = dataclasses.replace(found, boxes=found.boxes * 2)
    own, enlarged = explain(known.predictor, image, found)[0], explain(known.predictor, large, twice)[0]
    assert enlarged.heat.shape == (96, 96)
    assert enlarged.seen_again == pytest.approx(own.seen_again, abs=1e-4)
    assert float(enlarged.heat.sum()) == pytest.approx(float(own.heat.sum()), rel=0.02)  # a total of log odds
    quarters = enlarged.heat.reshape(48, 2, 48, 2).sum((1, 3))
    assert torch.corrcoef(torch.stack([quarters.flatten(), own.heat.flatten()]))[0, 1] > 0.95


def test_mirrored_looks_give_mirrored_evidence():
    predictor, image = untrained(), noise(48, 40)
    predictor = predictor.with_options(flip=True)
    boxes = torch.tensor([[4.0, 6.0, 20.0, 30.0]])
    across = boxes.clone()
    across[:, [0, 2]] = 40 - boxes[:, [2, 0]]
    own = explain(predictor, image, found_in(*boxes.tolist()))[0]
    other = explain(predictor, image.flip(-1), found_in(*across.tolist()))[0]
    torch.testing.assert_close(own.heat, other.heat.flip(-1), atol=1e-6, rtol=1e-3)
    assert own.seen_again == pytest.approx(other.seen_again, abs=1e-5)
    predictor = predictor.with_options(flip=False)
    plain = explain(predictor, image, found_in(*boxes.tolist()))[0]
    assert not torch.allclose(plain.heat, own.heat, atol=1e-6)


def test_an_object_of_a_tiled_image_is_explained_in_the_tile_that_holds_it():
    predictor, image = untrained(), noise(48, 132)
    predictor = predictor.with_options(tile=48, overlap=0.25)
    found = found_in([100.0, 8.0, 120.0, 30.0], [2.0, 8.0, 20.0, 30.0])
    right, left = explain(predictor, image, found)
    assert right.view == (slice(0, 48), slice(84, 132)) and left.view == (slice(0, 48), slice(0, 48))
    predictor = predictor.with_options(tile="off")
    alone = explain(predictor, image[:, :, 84:], found_in([16.0, 8.0, 36.0, 30.0]))[0]
    torch.testing.assert_close(right.heat, alone.heat)
    whole = right.on_image((48, 132))
    torch.testing.assert_close(whole[:, 84:], alone.heat)
    assert float(whole[:, :84].abs().sum()) == 0


def test_an_object_larger_than_a_tile_is_explained_where_most_of_it_is():
    predictor, image = untrained(), noise(48, 132)
    predictor = predictor.with_options(tile=48, overlap=0.25)
    evidence = explain(predictor, image, found_in([30.0, 0.0, 130.0, 48.0]))[0]
    assert evidence.view[1].stop - evidence.view[1].start == 48
    assert evidence.box.tolist() == [30.0, 0.0, 130.0, 48.0]
    assert torch.isfinite(evidence.heat).all()


def test_an_image_is_stretched_whole_before_it_is_looked_at():
    predictor = untrained()
    found = found_in([4.0, 6.0, 20.0, 30.0])
    image = noise(48, 48).abs() * 40
    config = predictor.info.config
    config = dataclasses.replace(config, preprocess=dataclasses.replace(config.preprocess, stretch=True))
    predictor = dataclasses.replace(predictor, info=dataclasses.replace(predictor.info, config=config))
    explanation = explain(predictor, image, found)
    assert torch.equal(explanation[:1].image, explanation.image)
    torch.testing.assert_close(
        explain(predictor, image, found)[0].heat, explain(predictor, 0.5 * image, found)[0].heat, rtol=1e-2, atol=1e-4
    )


def test_an_explanation_is_a_sequence():
    explanation = explain(untrained(), noise(48, 48), found_in([4.0, 6.0, 20.0, 30.0], [8.0, 8.0, 40.0, 30.0]))
    assert len(explanation) == 2 and len(explanation[:1]) == 1 and len(list(explanation)) == 2
    assert torch.equal(explanation[-1].heat, explanation[1].heat)
    with pytest.raises(IndexError):
        explanation[2]
    assert list(explain(untrained(), noise(48, 48), explanation.found[:0])) == []


def test_it_is_called_by_the_name_of_its_room(learned):
    from maskrcnn import explain as by_import

    known = learned(2)
    for call in (maskrcnn.explain, by_import):
        evidence = call(known.predictor, known.images[0])[0]
        assert evidence.heat.shape == SHAPES[2]
