"""BVH files, read again: limbs point where they pointed in the picture, and keep one length."""

from __future__ import annotations

import numpy as np
import pytest

from bvh_files import read_bvh
from made_walk import NAMES, SKELETON, walk
from maskrcnn.video.motion.bones import CHEST, HIPS, Bone, bones_of, joints_over_time, rig
from maskrcnn.video.motion.writers.bvh import PIXELS, write_bvh

HEIGHT, FPS = 120, 25.0


def written(tmp_path, points, names=NAMES, skeleton=SKELETON, times=None):
    times = np.arange(len(points)) / FPS if times is None else times
    joints = joints_over_time(points, names, HEIGHT)
    made = rig(joints, bones_of(names, skeleton), times, FPS)
    write_bvh(tmp_path / "a.bvh", made, FPS)
    return read_bvh(tmp_path / "a.bvh"), joints, made


def ends(file, bone):
    """Where a bone begins and ends in each frame, by the names of the file."""
    places = file.places()
    start = places[bone]
    child = next(joint for joint in file.joints if joint.parent is not None and file.joints[joint.parent].name == bone)
    return start[:, :2] * PIXELS, places[child.name][:, :2] * PIXELS


@pytest.mark.parametrize(
    "bone, start, end",
    [
        ("LeftUpLeg", "left_hip", "left_knee"),
        ("RightLeg", "right_knee", "right_ankle"),
        ("LeftForeArm", "left_elbow", "left_wrist"),
        ("RightArm", "right_shoulder", "right_elbow"),
        ("Spine", HIPS, CHEST),
    ],
)
def test_limbs_are_where_they_were_in_the_picture(tmp_path, bone, start, end):
    file, joints, _ = written(tmp_path, walk())
    a, b = ends(file, bone)
    np.testing.assert_allclose(a, joints[start], atol=0.3)  # limbs of the walk keep their lengths
    np.testing.assert_allclose(b, joints[end], atol=0.3)


def test_nothing_leaves_the_picture_plane_and_frames_keep_their_time(tmp_path):
    file, _, _ = written(tmp_path, walk(count=40))
    assert all(np.abs(place[:, 2]).max() < 1e-9 for place in file.places().values())
    assert file.motion.shape[0] == 40 and file.frame_time == pytest.approx(1 / FPS)
    assert len({joint.name for joint in file.joints}) == len(file.joints)


def test_unturned_it_stands_with_its_arms_out(tmp_path):
    file, _, _ = written(tmp_path, walk())
    file.motion[:] = 0
    places = {name: place[0] for name, place in file.places().items()}
    assert places["LeftLeg end"][1] < places["LeftLeg"][1] < 0 < places["Neck"][1] < places["Neck end"][1]
    assert places["LeftForeArm end"][0] > places["LeftForeArm"][0] > 0 > places["RightForeArm"][0]
    assert places["LeftForeArm end"][1] == pytest.approx(places["LeftArm"][1])


def test_turns_never_jump(tmp_path):
    points = walk(count=100)
    centre, angle = points[:, 5, :2].copy(), np.linspace(0, 8 * np.pi, 100)
    points[:, 7, :2] = centre + 14 * np.stack([np.cos(angle), np.sin(angle)], 1)  # an elbow that goes round and round
    file, joints, _ = written(tmp_path, points)
    assert np.abs(np.diff(file.motion[:, 3:], axis=0)).max() < 60
    np.testing.assert_allclose(ends(file, "LeftArm")[1], joints["left_elbow"], atol=0.3)


def test_gaps_are_bridged_and_what_was_never_seen_is_left_out(tmp_path):
    points = walk()
    points[10:30, NAMES.index("left_knee"), :2] = np.nan
    points[:, NAMES.index("right_ankle"), :2] = np.nan
    file, joints, _ = written(tmp_path, points)
    names = {joint.name for joint in file.joints}
    assert "RightLeg" not in names and {"RightUpLeg", "LeftLeg"} <= names
    assert np.isfinite(file.motion).all()
    seen = ~np.isnan(joints["left_knee"][:, 0])
    np.testing.assert_allclose(ends(file, "LeftUpLeg")[1][seen], joints["left_knee"][seen], atol=0.5)


def test_a_body_without_legs_hangs_from_its_chest(tmp_path):
    points = walk()
    points[:, 11:, :2] = np.nan
    file, joints, made = written(tmp_path, points)
    assert made.root == file.joints[0].name == CHEST
    np.testing.assert_allclose(ends(file, "LeftForeArm")[1], joints["left_wrist"], atol=0.3)


def test_uneven_times_become_even_frames(tmp_path):
    even = walk(count=50)
    kept = np.sort(np.random.default_rng(0).permutation(50)[:40])
    kept[0], kept[-1] = 0, 49
    file, joints, _ = written(tmp_path, even[kept], times=kept / FPS)
    assert len(file.motion) == 50
    whole = joints_over_time(even, NAMES, HEIGHT)
    np.testing.assert_allclose(ends(file, "LeftUpLeg")[1], whole["left_knee"], atol=1.5)


def test_other_skeletons_have_a_bone_for_each_limb(tmp_path):
    names, limbs = ["head", "middle", "tail tip"], [(0, 1), (1, 2)]
    time = np.arange(30) / FPS
    points = np.full((30, 3, 3), 0.9)
    points[:, 0, :2], points[:, 1, :2] = [60, 50], [40, 50]
    points[:, 2, :2] = np.stack([40 - 20 * np.cos(np.sin(6 * time)), 50 + 20 * np.sin(np.sin(6 * time))], 1)
    file, joints, _ = written(tmp_path, points, names, limbs)
    assert [joint.name for joint in file.joints if joint.channels][1:] == ["head-middle", "middle-tail_tip"]
    np.testing.assert_allclose(ends(file, "middle-tail_tip")[1], joints["tail tip"], atol=0.3)


def test_an_object_without_a_skeleton_has_no_rig():
    points = np.full((5, 17, 3), np.nan)
    assert rig(joints_over_time(points, NAMES, HEIGHT), bones_of(NAMES, SKELETON), np.arange(5.0), FPS) is None


def test_bones_of_a_human_do_not_depend_on_the_limbs_that_are_drawn():
    assert bones_of(NAMES, ()) == bones_of(NAMES, SKELETON)
    assert Bone("LeftLeg", "left_knee", "left_ankle", (0.0, -1.0)) in bones_of(NAMES, ())
