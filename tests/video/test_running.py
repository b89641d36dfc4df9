"""Numbers of objects while a video still runs."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from maskrcnn.tracking.running import RunningNumbers

FRAMES = st.lists(st.dictionaries(st.integers(1, 9), st.booleans(), max_size=5), max_size=12)


def test_numbers_come_in_the_order_in_which_objects_come_to_count():
    numbers = RunningNumbers()
    assert numbers.see(np.array([5, 2]), np.array([False, False])).tolist() == [0, 0]
    assert numbers.see(np.array([5, 7]), np.array([False, True])).tolist() == [0, 1]
    assert numbers.see(np.array([9, 5, 7]), np.array([True, True, True])).tolist() == [3, 2, 1]


@given(FRAMES)
def test_numbers_are_final_and_have_no_gaps(frames):
    numbers, given_before = RunningNumbers(), {}
    for frame in frames:
        ids, confirmed = np.array([*frame], np.int64), np.array([*frame.values()], bool)
        for own, number in zip(ids.tolist(), numbers.see(ids, confirmed).tolist()):
            assert given_before.get(own, 0) in (0, number)
            given_before[own] = number
    assert sorted(numbers.known.values()) == list(range(1, len(numbers.known) + 1))
    assert {own: number for own, number in given_before.items() if number} == numbers.known
