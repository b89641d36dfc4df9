"""t and F of every sample, of the labels as they are and of permuted ones, beside one least squares fit each."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naive_association as naive
from maskrcnn.association.analysis import Question, analyse
from maskrcnn.association.design import Variable, design_of
from maskrcnn.association.linear_model import effects, permuted_rows, residuals, statistics
from maskrcnn.association.permutations import Maps, corrected_p, false_discovery
from maskrcnn.association.values import Values

SHAPES = [(2, 7), (1, 5, 4), (1, 3, 4, 3)]  # [C, *S] of D = 1, 2, 3


def number(name, column):
    return Variable(name, np.asarray(column, dtype=float)[:, None])


def classes(name, labels):
    names = sorted(set(labels))
    return Variable(name, np.array([[one == other for other in names[1:]] for one in labels], float), tuple(names))


def made(shape, n=17, seed=0):
    random = np.random.default_rng(seed)
    age, score = random.normal(60, 9, n), random.normal(size=n)
    values = random.normal(size=(n, int(np.prod(shape)))) * 3 + 40 + 0.4 * age[:, None]
    values[:, 1] += 2 * score
    return values.astype(np.float32), score, age


@pytest.mark.parametrize("shape", SHAPES)
def test_t_is_that_of_one_fit_for_each_sample(shape):
    values, score, age = made(shape)
    design = design_of(number("score", score), [number("age", age)])
    unit, lengths = residuals(values, design)
    found = statistics(unit, permuted_rows(design, np.arange(17)[None]), design)[0]
    wanted = [naive.least_squares_t(column, score, [age]) for column in values.T]
    np.testing.assert_allclose(found, wanted, rtol=2e-4, atol=1e-4)
    slopes, share = effects(unit, lengths, design)
    whole = np.column_stack([np.ones(17), age, score])
    fits = np.linalg.lstsq(whole, values.astype(float), rcond=None)[0][-1]
    np.testing.assert_allclose(slopes[0], fits, rtol=2e-4, atol=1e-4)
    np.testing.assert_allclose(share, found**2 / (found**2 + design.freedom), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_f_of_several_classes_is_that_of_two_fits(shape):
    values, _, age = made(shape, n=18)
    groups = classes("group", list("abc" * 6))
    design = design_of(groups, [number("age", age)])
    found = statistics(residuals(values, design)[0], permuted_rows(design, np.arange(18)[None]), design)[0]
    wanted = [naive.least_squares_f(column, groups.columns, [age]) for column in values.T]
    np.testing.assert_allclose(found, wanted, rtol=5e-4, atol=1e-5)


def test_effects_are_in_units_of_the_label():
    random = np.random.default_rng(3)
    score, age = random.normal(100, 15, 30), random.normal(60, 9, 30)
    values = (5 + 0.25 * score - 0.7 * age)[:, None].astype(np.float32)
    design = design_of(number("score", score), [number("age", age)])
    assert effects(*residuals(values, design), design)[0][0, 0] == pytest.approx(0.25, rel=1e-4)
    groups = classes("group", list("abc" * 10))
    values = (groups.columns @ [2.0, -3.0] + 0.1 * age)[:, None].astype(np.float32)
    design = design_of(groups, [number("age", age)])
    np.testing.assert_allclose(effects(*residuals(values, design), design)[0][:, 0], [2, -3], rtol=1e-4)


def test_permutations_are_those_of_the_residuals_without_the_label():
    """Freedman and Lane: permute what the confounders leave, put their fit back, and fit the whole model."""
    values, score, age = made((1, 6))
    design = design_of(number("score", score), [number("age", age)])
    order = np.random.default_rng(1).permutation(17)
    found = statistics(residuals(values, design)[0], permuted_rows(design, order[None]), design)[0]
    known = np.column_stack([np.ones(17), age])
    fit = known @ np.linalg.lstsq(known, values.astype(float), rcond=None)[0]
    left = values - fit
    moved = np.empty_like(left)
    moved[np.arange(17)] = left[np.argsort(order)]
    wanted = [naive.least_squares_t(column, score, [age]) for column in (fit + moved).T]
    np.testing.assert_allclose(found, wanted, rtol=5e-4, atol=1e-4)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 100), st.floats(-1000, 1000))
def test_t_does_not_depend_on_units_or_on_what_confounders_add(seed, scale, shift):
    values, score, age = made((1, 5), seed=seed)
    plain = design_of(number("score", score), [number("age", age)])
    other = design_of(number("score", scale * score + shift), [number("age", age * 2 + 1)])
    rows = np.arange(17)[None]
    t = statistics(residuals(values, plain)[0], permuted_rows(plain, rows), plain)
    more = (values + 0.3 * age[:, None]).astype(np.float32)
    same = statistics(residuals(more, other)[0], permuted_rows(other, rows), other)
    np.testing.assert_allclose(t, same, rtol=5e-3, atol=5e-3)


def test_what_never_varies_is_nowhere_found(tmp_path):
    values, score, _ = made((1, 6))
    values[:, 2] = 7
    answer = run(values, design_of(number("score", score), []), "voxels", tmp_path)
    assert answer.statistic[0, 2] == 0 and answer.p[0, 2] == 1 and answer.tested == 5


def run(values, design, correct, folder, shape=None, permutations=99):
    mask = np.ones(shape or (1, values.shape[1]), dtype=bool)
    with Values(*values.shape, Path(folder)) as table:
        table.array[:] = values
        return analyse(table, Maps(mask), design, Question(correct, permutations=permutations))


@pytest.mark.parametrize("correct", ["voxels", "clusters", "tfce", "fdr"])
@pytest.mark.parametrize("shape", [(1, 40), (1, 9, 9), (1, 6, 6, 6)])
def test_a_planted_block_is_one_region_and_what_goes_with_age_is_none(correct, shape, tmp_path):
    random = np.random.default_rng(5)
    age, score = random.normal(size=40), random.normal(size=40)
    score = score + age
    values = random.normal(size=(40, *shape))
    block = (slice(None), *(slice(1, 4) for _ in shape[1:]))
    other = (slice(None), *(slice(5, 6) for _ in shape[1:]))
    planted = np.zeros(shape)
    planted[block] = 1.5
    aged = np.zeros(shape)
    aged[other] = 4
    values += np.multiply.outer(score, planted) + np.multiply.outer(age, aged)
    flat = values.reshape(40, -1).astype(np.float32)
    answer = run(flat, design_of(number("score", score), [number("age", age)]), correct, tmp_path, shape)
    assert answer.parts and answer.numbers[block].mean() > 0
    assert (answer.numbers[block] == 1).all()
    assert answer.parts[0].effects[0] == pytest.approx(1.5, abs=0.3) and answer.parts[0].p <= 0.05
    assert not answer.numbers[other].any()
    blind = run(flat, design_of(number("score", score), []), correct, tmp_path, shape)
    assert blind.statistic[other].min() > 4  # without the confounder it would be


def test_the_same_seed_gives_the_same_p(tmp_path):
    values, score, _ = made((1, 30))
    design = design_of(number("score", score), [])
    one, two = (run(values, design, "voxels", tmp_path).p for _ in range(2))
    assert (one == two).all() and one.min() >= 0.01


def test_p_counts_the_labels_as_they_are_too():
    assert corrected_p(np.array([5.0, 2.0, 0.5]), np.array([1.0, 2.0, 3.0])).tolist() == pytest.approx([0.25, 0.75, 1])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_false_discovery_is_benjamini_and_hochberg_s(p):
    ordered, rate = sorted(p), 0.1
    passing = [k for k, value in enumerate(ordered, 1) if value <= k * rate / len(p) - 1e-12]
    wanted = max(passing, default=0)
    found = false_discovery(np.array(p))
    assert (found <= rate).sum() >= wanted
    assert ((found <= 1) & (found >= np.array(p) - 1e-12)).all()
    by_p = found[np.argsort(p, kind="stable")]
    assert (np.diff(by_p) >= 0).all()


def test_many_samples_lie_in_a_file_that_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr("maskrcnn.association.values.IN_MEMORY", 100)
    monkeypatch.setattr("maskrcnn.association.values.BLOCK", 2000)
    values, score, age = made((1, 90))
    design = design_of(number("score", score), [number("age", age)])
    in_file = run(values, design, "voxels", tmp_path)
    assert not list(tmp_path.iterdir())
    monkeypatch.undo()
    assert (run(values, design, "voxels", tmp_path).p == in_file.p).all()
