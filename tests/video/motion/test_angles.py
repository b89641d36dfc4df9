"""Joint angles against a twin, in any number of dimensions, and the joints of skeletons."""

from __future__ import annotations

import numpy as np
import pytest

import naive
from made_walk import NAMES, SKELETON, walk
from maskrcnn.video.motion.angles import JointAngle, joint_angles, joints_of
from maskrcnn.video.motion.writers.chart import draw_angles


def test_the_joints_of_a_human():
    names = [joint.name for joint in joints_of(NAMES, SKELETON)]
    assert names == [f"{side}_{part}" for part in ("elbow", "knee", "shoulder", "hip") for side in ("left", "right")]


def test_joints_of_other_skeletons_are_where_two_limbs_meet():
    joints = joints_of(["a", "b", "c", "d"], [(0, 1), (1, 2), (1, 3), (3, 0)])
    assert joints == [JointAngle("a", (1, 3), 0), JointAngle("d", (1, 0), 3)]


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_angles_against_the_slow_twin(ndim):
    points = np.random.default_rng(ndim).normal(0, 5, (6, 4, ndim + 1))
    points[3, 1, :-1] = np.nan
    joints = [JointAngle("x", (0, 2), 1), JointAngle("y", (1, 3), 0)]
    found = joint_angles(points, joints)
    for k in range(6):
        for j, joint in enumerate(joints):
            ends = [points[k, end, :-1] for end in joint.ends]
            known = k != 3  # of which a point is unknown
            expected = naive.angle(ends[0], points[k, joint.middle, :-1], ends[1]) if known else np.nan
            np.testing.assert_allclose(found[k, j], expected, atol=1e-5)


def test_a_stretched_and_a_bent_arm():
    points = np.array([[[0, 0, 1], [1, 0, 1], [2, 0, 1]], [[0, 0, 1], [1, 0, 1], [1, 1, 1]]], float)
    np.testing.assert_allclose(joint_angles(points, [JointAngle("e", (0, 2), 1)])[:, 0], [180, 90])
    same = np.array([[[1, 0, 1], [1, 0, 1], [2, 0, 1]]], float)
    assert np.isnan(joint_angles(same, [JointAngle("e", (0, 2), 1)])).all()


def test_the_chart_shows_left_and_right_and_breaks_at_gaps():
    joints = joints_of(NAMES, SKELETON)
    angles = joint_angles(walk(), joints)
    times = np.arange(60) / 25
    whole = np.asarray(draw_angles(times, angles, joints, "walk: person 1"))
    holed = angles.copy()
    holed[20:40] = np.nan
    part = np.asarray(draw_angles(times, holed, joints, "walk: person 1"))

    def orange(picture):
        return ((picture[..., 0] > 200) & (picture[..., 2] < 80)).sum()

    assert 0.4 * orange(whole) < orange(part) < 0.9 * orange(whole)
    assert whole.shape == part.shape
