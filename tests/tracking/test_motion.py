"""The filter of all coordinates at once is the textbook's filter of each."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naive
from maskrcnn.tracking.motion import Motion, Noise

NOISE = Noise(seen=0.1, moved=0.02, begun=0.3, kept=0.5)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_every_coordinate_is_filtered_as_the_textbook_says(ndim):
    rng = np.random.default_rng(ndim)
    low = rng.uniform(0, 50, (2, ndim))
    box = np.concatenate([low, low + rng.uniform(5, 20, (2, ndim))], 1)
    motion = Motion(ndim, NOISE)
    motion.begin(box)
    size = np.tile(motion.place[:, ndim:], 2)
    states = [[np.array([p, 0.0]) for p in row] for row in motion.place]
    spreads = [[np.diag([(0.1 * s) ** 2, (0.3 * s) ** 2]) for s in row] for row in size]
    for frame in range(6):
        seen = [None if frame in (2, 3) else 0, 1]
        box = box + rng.normal(0, 1, box.shape)
        places = np.concatenate([(box[:, :ndim] + box[:, ndim:]) / 2, box[:, ndim:] - box[:, :ndim]], 1)
        before = np.tile(motion.place[:, ndim:], 2)
        motion.advance()
        which = np.array([i for i in seen if i is not None])
        motion.see(which, box[which])
        for i in range(2):
            for k in range(2 * ndim):
                kept = 0.5 if k >= ndim else 1.0
                where = places[i, k] if i in which else None
                noise = (0.1 * places[i, ndim + k % ndim]) ** 2
                added = (0.02 * before[i, k]) ** 2
                states[i][k], spreads[i][k] = naive.kalman_step(states[i][k], spreads[i][k], where, kept, added, noise)
                assert motion.place[i, k] == pytest.approx(states[i][k][0])
                assert motion.speed[i, k] == pytest.approx(states[i][k][1])
                assert motion.spread[i, k] == pytest.approx(spreads[i][k][[0, 0, 1], [0, 1, 1]])


@settings(deadline=None)
@given(st.floats(-5, 5), st.floats(2, 50))
def test_what_moves_steadily_is_found_where_it_goes(speed, size):
    motion = Motion(1)
    motion.begin(np.array([[0, size]]))
    for frame in range(1, 40):
        motion.advance()
        motion.see(np.array([0]), np.array([[speed * frame, speed * frame + size]]))
    motion.advance()
    np.testing.assert_allclose(motion.boxes(), [[40 * speed, 40 * speed + size]], atol=0.15 * size + 0.3 * abs(speed))


def test_two_steps_at_once_are_two_steps():
    box = np.array([[0.0, 0.0, 10.0, 5.0]])
    once, twice = Motion(2), Motion(2)
    for motion in (once, twice):
        motion.begin(box)
        motion.advance()
        motion.see(np.array([0]), box + 1)
    once.advance(2)
    for _ in range(2):
        twice.advance()
    np.testing.assert_allclose(once.place, twice.place)
    np.testing.assert_allclose(once.spread, twice.spread, rtol=0.01)
