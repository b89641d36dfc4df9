"""Channels of physiological recordings: which are leads of an ECG, and several rates brought to one.

A model of heart beats looks at one lead at a time and lets all vote. A pressure or a breath beats time of its own, so
channels that surely show something else have no vote, where there are others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

ECG = re.compile(
    r"(?:lead|mod\.?|modified)?[ _]?(?:i{1,3}|av[rlf]|v[1-9]?r?|v[xyz]|[xyz]|m[lv]?[1-6]|ml?i{1,3}|mcl\d?|c[cms]\d"
    r"|d[1-4]|v\d-v\d|es|as|ai)(?:[+-]ref)?",
    re.IGNORECASE,
)
VOLTAGES = frozenset({"", "v", "mv", "uv", "nv", "nu", "adu", "adc", "a.u.", "au", "lsb", "none", "unitless", "mvolt"})
# Pressures, breath, oxygen, brain, eyes, muscles, skin, movement and what monitors reckon.
OTHER = re.compile(
    r"\b(?:a?bp|nibp|ibp|art|ao|aorta|abp|cvp|rap|lap|pap|pawp|pcwp|icp|uap|uac|fap|lv|rv|p[1-9]|press\w*|plet?h\w*|ppg"
    r"|spo2|sao2|so2|sto2|o2|co2|etco2|resp\w*|rsp|imp\w*|flow|airflow|air|breath\w*|tho?r\w*|abd\w*|abdo\w*|chest|nasal"
    r"|therm\w*|temp\w*|snor\w*|mic\w*|sound|pcg|phono\w*|eeg\w*|eog\w*|emg\w*|chin\w*|leg\w*|loc|roc|eda|gsr|scr|acc\w*"
    r"|gyro\w*|hr|hrate|pr|pulse|rate|pos\w*|body|light|sync|marker|event\w*|trigger|trig|status|stim\w*|annotations?"
    r"|battery|cpap|leak|spirometer|volume|vol|gsr|bis|mean|systolic|diastolic|st|toco|uc|fhr|uterus|dc\d*)\b",
    re.IGNORECASE,
)
SITE = r"(?:fp|af|f|fc|ft|c|t|tp|cp|p|po|o|a|m|e)(?:z|[1-9]\d?)"
BRAIN = re.compile(rf"{SITE}(?:-(?:{SITE}|ref|le|av|avg|pz|cz|oz))?\.*", re.IGNORECASE)


def find_leads(names: Sequence[str], units: Sequence[str]) -> tuple[int, ...]:
    """The channels that may be leads of an ECG, by name and unit; empty where all or none may.

    Args:
        names: of the channels.
        units: of their values, in the same order.
    """
    kept = tuple(k for k, (name, unit) in enumerate(zip(names, units)) if may_be_lead(name, unit))
    return () if len(kept) == len(names) else kept


def may_be_lead(name: str, unit: str) -> bool:
    """Whether a channel may be a lead: no other quantity's unit, and no other signal's name."""
    if _plain(unit) not in VOLTAGES:
        return False
    spaced = re.sub(r"[_\W]+", " ", name).strip()
    if "ecg" in spaced.lower() or "ekg" in spaced.lower() or ECG.fullmatch(name.strip()):
        return True
    return not (OTHER.search(spaced) or BRAIN.fullmatch(name.strip()))


def leads_note(path: Path, names: Sequence[str], units: Sequence[str], leads: Sequence[int]) -> tuple[str, ...]:
    """A sentence that says which channels are passed over, or that none can be told to be a lead.

    Args:
        path: of the recording.
        names: of its channels.
        units: of its channels, such as ``mV``.
        leads: indices of the channels that are looked at; none: no channel is known to be a lead.

    Returns:
        The sentence; nothing where there is nothing to say.
    """
    if not leads and not any(map(may_be_lead, names, units)):
        return (
            f"{path}: none of its channels ({', '.join(names)}) is a lead of an ECG by its name; all are looked at.",
        )
    others = [name for k, name in enumerate(names) if k not in leads]
    if not leads or not others:
        return ()
    return (f"{path}: channels {', '.join(others)} are no leads of an ECG; they are drawn but not looked at.",)


def on_one_rate(channels: Sequence[np.ndarray], counts: Sequence[int], most: int) -> np.ndarray:
    """Channels of several rates as float32 ``[C, T]`` at one of them: what lies between samples is on a straight line.

    Args:
        channels: each ``[frames * count]``, all beginning at one time.
        counts: samples of each channel in a frame.
        most: samples in a frame of the result.

    Returns:
        float32 ``[C, T]``.
    """
    length = min(len(channel) // count for channel, count in zip(channels, counts)) * most
    at = np.arange(length) / most
    rows = []
    for channel, count in zip(channels, counts):
        values = np.asarray(channel, dtype=np.float32)
        rows.append(values[:length] if count == most else np.interp(at, np.arange(len(values)) / count, values))
    return np.stack(rows).astype(np.float32)


def rates_note(path: Path, names: Sequence[str], counts: Sequence[int], most: int, rate: float) -> tuple[str, ...]:
    """A sentence that says which channels were interpolated, if any were.

    Args:
        path: of the file.
        names: of the channels.
        counts: samples of each channel in a frame.
        most: samples in a frame of the result.
        rate: of the result.

    Returns:
        The sentence, or none.
    """
    others = [name for name, count in zip(names, counts) if count != most]
    if not others:
        return ()
    return (f"{path}: channels {', '.join(others)} have other rates; they were interpolated to {rate:g} Hz.",)


def _plain(unit: str) -> str:
    return re.sub("[µμ]", "u", unit.strip().lower())
