"""The same t, p and TFCE as nilearn's permuted_ols on a small case."""

from pathlib import Path

import numpy as np
import pytest

from maskrcnn.association.analysis import Question, analyse, cluster_threshold
from maskrcnn.association.clusters import clusters, neighbour_pairs, tfce
from maskrcnn.association.design import Variable, design_of
from maskrcnn.association.permutations import Maps
from maskrcnn.association.values import Values

PERMUTATIONS = 2000


@pytest.fixture(scope="module")
def case():
    """24 small scans with a planted block, their label and a confounder."""
    random = np.random.default_rng(2)
    mask = random.random((1, 6, 7, 5)) > 0.15
    score, age = random.normal(size=24), random.normal(size=24)
    values = random.normal(size=(24, *mask.shape)) + age[:, None, None, None, None]
    values[:, 0, 1:4, 1:4, 1:3] += 0.8 * score[:, None, None, None]
    return values[:, mask].astype(np.float32), mask, score + 0.5 * age, age


@pytest.fixture(scope="module")
def theirs(case):
    pytest.importorskip("nilearn")
    import nibabel
    from nilearn.maskers import NiftiMasker
    from nilearn.mass_univariate import permuted_ols

    values, mask, score, age = case
    masker = NiftiMasker(nibabel.Nifti1Image(mask[0].astype(np.uint8), np.eye(4)), standardize=None).fit()
    return permuted_ols(
        score[:, None],
        values,
        age[:, None],
        n_perm=PERMUTATIONS,
        random_state=0,
        masker=masker,
        tfce=True,
        output_type="dict",
        verbose=0,
    )


def ours(case, correct, permutations=PERMUTATIONS):
    values, mask, score, age = case
    design = design_of(Variable("score", score[:, None]), [Variable("age", age[:, None])])
    with Values(*values.shape, Path()) as table:
        table.array[:] = values
        return analyse(table, Maps(mask), design, Question(correct, permutations=permutations)), design


def test_t_is_the_same(case, theirs):
    answer, _ = ours(case, "voxels", 20)
    np.testing.assert_allclose(answer.statistic[case[1]], theirs["t"][0], rtol=1e-4, atol=1e-5)


def test_p_is_the_same_but_for_the_permutations_that_were_drawn(case, theirs):
    """Of voxels; TFCE's p are not compared, since nilearn leaves out the step, which differs from map to map there."""
    answer, _ = ours(case, "voxels")
    found, wanted = answer.p[case[1]], 10.0 ** -theirs["logp_max_t"][0]
    # Two estimates of one probability from independent permutations: five standard errors of their difference.
    error = np.sqrt(wanted * (1 - wanted) * 2 / PERMUTATIONS) + 2 / PERMUTATIONS
    assert (np.abs(found - wanted) <= 5 * error).all()
    assert ((found <= 0.05) & (wanted <= 0.05)).any()


def test_enhancement_is_the_same_but_for_the_step_that_nilearn_leaves_out(case, theirs):
    statistic = theirs["t"][0].astype(np.float32)
    step = float(np.abs(statistic).max()) / 100
    found = tfce(statistic, neighbour_pairs(case[1]), step) / step
    np.testing.assert_allclose(found, theirs["tfce"][0], rtol=1e-3, atol=1e-2 * np.abs(found).max())


def test_the_threshold_of_clusters_is_that_of_the_t_distribution(case):
    _, design = ours(case, "voxels", 20)
    assert cluster_threshold(design, 0.001) == pytest.approx(3.8193, abs=1e-3)  # qt(0.9995, 21)
    assert clusters(np.array([9.0], dtype=np.float32), np.empty((2, 0), dtype=np.int32), 3.8)[1].tolist() == [0, 1]
