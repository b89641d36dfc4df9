from __future__ import annotations

from maskrcnn.modalities.signals.formats.wfdb.waves import (
    Wave,
    gap_intervals,
    has_sides,
    unlabelled_gaps,
    wave_intervals,
    waves_of,
)
from signal_files import beat


def waves(marks):
    return waves_of(*zip(*marks))


def test_brackets_and_peaks_become_waves():
    assert waves(beat(100)) == [
        Wave("P", 100, (110,), 120),
        Wave("QRS", 130, (140,), 150),
        Wave("T", 180, (200,), 220),
    ]


def test_a_wave_may_lack_its_onset_its_peak_or_its_end_and_have_two_peaks():
    assert waves([(5, "t", 0), (9, ")", 2)]) == [Wave("T", None, (5,), 9)]
    assert waves([(9, ")", 2)]) == [Wave("T", None, (), 9)]
    assert waves([(1, "(", 0), (5, "p", 0), (9, "(", 1), (12, "V", 1), (15, ")", 1)]) == [
        Wave("P", 1, (5,), None),
        Wave("QRS", 9, (12,), 15),
    ]
    assert waves([(1, "(", 2), (5, "t", 4), (7, "t", 4), (9, ")", 2)]) == [Wave("T", 1, (5, 7), 9)]


def test_rhythm_and_noise_marks_are_passed_over():
    assert waves([(1, "+", 0), (3, "(", 1), (4, "~", 0), (5, "N", 0), (7, ")", 1)]) == [Wave("QRS", 3, (5,), 7)]


def test_beats_alone_have_no_sides():
    assert not has_sides(waves([(5, "N", 0), (9, "V", 0)]))
    assert has_sides(waves([(5, "t", 0), (9, ")", 2)]))


def test_both_ends_belong_to_a_wave():
    p, qrs, t = wave_intervals(waves(beat(100)))
    assert (p.name, p.parts, p.sides(), p.unknown) == ("P", ((100, 121),), (100, 121), (False, False))
    assert (qrs.parts, t.parts) == (((130, 151),), ((180, 221),))


def test_a_missing_onset_is_guessed_about_the_peak_and_only_what_is_known_is_covered():
    t = wave_intervals(waves(beat(100, t_onset=False)))[-1]
    assert (t.parts, t.box, t.unknown) == (((200, 221),), (180, 221), (True, False))


def test_a_guess_does_not_reach_into_the_wave_before():
    marks = [(130, "(", 1), (140, "N", 1), (150, ")", 1), (160, "t", 0), (200, ")", 2)]
    assert wave_intervals(waves(marks))[-1].box == (151, 201)


def test_without_a_peak_the_guess_is_the_median_width():
    marks = [*beat(100), *beat(400), (900, ")", 2)]
    t = wave_intervals(waves(marks))[-1]
    assert (t.parts, t.box, t.unknown) == (((900, 901),), (860, 901), (True, False))


def test_a_missing_end_is_the_mirror_image():
    t = wave_intervals(waves([(80, "(", 2), (100, "t", 0)]))[-1]
    assert (t.parts, t.box, t.unknown) == (((80, 101),), (80, 121), (False, True))


def test_u_waves_are_left_out():
    assert [i.name for i in wave_intervals(waves([*beat(0), (140, "u", 0), (150, ")", 3)]))] == ["P", "QRS", "T"]


def test_beats_that_were_passed_over_are_a_gap_of_all_classes():
    marks = [*beat(0), *beat(200), *beat(400), *beat(1000), *beat(1200)]
    gaps = unlabelled_gaps(waves(marks))
    assert gaps == [(521, 1000)]
    crowds = gap_intervals(gaps)
    assert [i.name for i in crowds] == ["P", "QRS", "T"] and all(i.crowd and i.parts == ((521, 1000),) for i in crowds)


def test_regular_beats_leave_no_gap():
    assert unlabelled_gaps(waves([mark for k in range(5) for mark in beat(200 * k)])) == []
    assert unlabelled_gaps(waves(beat(0))) == [] and unlabelled_gaps([]) == []
