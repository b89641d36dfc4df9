"""Contributions become phrases, and phrases a mix's parts: against slow twins."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from maskrcnn.models.whole.evidence import WholeEvidence
from maskrcnn.songs.arranging import Part, changes, choose, common_tempo, order, shift_to
from maskrcnn.songs.listening import Heard
from maskrcnn.songs.phrases import LONGEST, PHRASE, Phrase, best_phrases, said_by_bars


def heard(tempo, tonic=0, minor=False, bars=40):
    return Heard(np.arange(4 * bars) * 60 / tempo, 0, tempo, tonic, minor)


def test_what_bars_say_adds_up_to_the_logit():
    random = torch.Generator().manual_seed(0)
    scores, attention = (torch.randn(1, 2, 50, generator=random) for _ in range(2))
    evidence = WholeEvidence(scores, attention, (20.0,), (1000,), "labels")
    said = said_by_bars(evidence, 2, [0.0, 1.3, 4.0, 10.0], 100.0)
    assert said.min() >= 0
    assert (said[0] - said[1]).sum() == pytest.approx(float(evidence.logits()[0, 1]), abs=1e-5)
    contributions = evidence.contributions()[0, 1].numpy()
    fine = np.repeat(contributions / 20, 20)  # of each sample
    slow = [fine[a:b] for a, b in ((0, 130), (130, 400), (400, 1000))]
    assert np.allclose(said[0], [own[own > 0].sum() for own in slow], atol=1e-6)
    assert np.allclose(said[1], [-own[own < 0].sum() for own in slow], atol=1e-6)


@given(st.lists(st.floats(-1, 1, allow_nan=False), max_size=40))
def test_phrases_do_not_overlap_and_the_best_comes_first(net):
    values = np.array(net, dtype=np.float64)
    said = np.stack([np.maximum(values, 0), np.maximum(-values, 0)])
    phrases = best_phrases(said, float(said[0].sum()))
    assert (len(phrases) > 0) == (len(net) >= PHRASE)
    covered = [bar for own in phrases for bar in range(own.first, own.stop)]
    assert len(covered) == len(set(covered)) and set(covered) <= set(range(len(net)))
    assert all(own.stop - own.first in (PHRASE, LONGEST) and 0 <= own.share <= 1 + 1e-9 for own in phrases)
    scores = [own.score for own in phrases]
    assert scores == sorted(scores, reverse=True)
    if phrases:
        windows = [values[k : k + PHRASE].sum() for k in range(len(net) - PHRASE + 1)]
        assert scores[0] >= max(windows) - 0.02 * abs(max(windows)) - 1e-9


def test_a_section_of_eight_bars_is_found_whole_although_bars_differ_a_little():
    net = np.full(32, -0.01)
    net[12:20] = 0.1 + 1e-4 * np.arange(8)[::-1]
    net[17] += 2e-3
    best = best_phrases(np.stack([np.maximum(net, 0), np.maximum(-net, 0)]), float(net.clip(0).sum()))[0]
    assert (best.first, best.stop) == (12, 20) and best.share == pytest.approx(1)


def test_every_song_takes_part_before_any_has_a_second_turn():
    own = heard(120)  # a bar is two seconds
    songs = [(own, [Phrase(0, 4, 3.0, 0.5), Phrase(8, 12, 2.5, 0.4)]), (own, [Phrase(0, 4, 0.1, 0.5)])]
    songs.append((own, [Phrase(0, 4, -0.1, 0.0)]))
    assert [(part.song, part.phrase.score) for part in choose(songs, 60)] == [(0, 3.0), (1, 0.1), (0, 2.5)]
    assert [part.song for part in choose(songs, 9)] == [0, 1]
    assert [part.song for part in choose(songs[2:], 9)] == [0]  # where nothing speaks for it
    assert choose([], 60) == []


def test_tempo_and_key_come_together_within_limits():
    parts = [Part(k, Phrase(0, 4, 1.0, 0.5), heard(tempo, tonic)) for k, (tempo, tonic) in enumerate(
        ((100, 0), (104, 7), (98, 2), (140, 6))
    )]  # fmt: skip
    by = changes(parts, 0.08, 2)
    tempi = [part.tempo * own.factor for part, own in zip(parts, by)]
    assert np.allclose(tempi[:3], common_tempo(parts, 0.08)) and tempi[3] == pytest.approx(140)
    assert all(abs(own.factor - 1) <= 0.08 and abs(own.semitones) <= 2 for own in by)
    moved = [(part.heard.fifths + 7 * own.semitones) % 12 for part, own in zip(parts, by)]
    assert any(all((place - key) % 12 in (0, 1, 11) for place in moved) for key in range(12))
    assert sorted(part.song for part in order(parts)) == [0, 1, 2, 3]
    assert order(parts)[0].song == 3 or order(parts)[-1].song == 3  # the one that fits least is at an end
    assert all(own.semitones == 0 for own in changes(parts, 0.0, 0))


def test_two_semitones_do_for_any_two_keys():
    for own in range(12):
        for key in range(12):
            shift = shift_to(own, key, 2)
            near = [s for s in range(-2, 3) if (own + 7 * s - key) % 12 in (0, 1, 11)]
            assert shift is not None and abs(shift) == min(map(abs, near))
    assert shift_to(0, 6, 0) is None
