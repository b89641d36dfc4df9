from __future__ import annotations

import numpy as np
import pytest

from maskrcnn.modalities.signals.leads import find_leads, may_be_lead, on_one_rate


def words(text):
    return text.split()


LEADS = words("I II III aVR AVL avf V V1 V6 v5 MLII ML5 MLI MCL1 ECG ECG1 ECG2 CM5 CC5 D3 vx V2-V3 mod.V1 ECG.I")
OTHERS = words(
    "ABP BP ART CVP PAP PAWP ICP PLETH Pleth RESP Resp.Imp SpO2 SaO2 CO2 EtCO2 Flow Airflow Thor.Res Abdo.Res Chest "
    "EEG C3-A2 C4-A1 O1-M2 Fpz-Cz EOG EMG EMG-Chin EDA GSR acc_x Temp HR Pulse Marker Event Snore NASAL"
)


@pytest.mark.parametrize("name", [*LEADS, "lead II", "ECG lead1", "EKG", "Ecg1 Ecg2"])
def test_leads_vote(name):
    assert may_be_lead(name, "mV") and may_be_lead(name, "µV") and may_be_lead(name, "")


@pytest.mark.parametrize("name", [*OTHERS, "EEG Fpz-Cz", "Resp oro-nasal", "EOG horizontal", "Temp rectal"])
def test_other_signals_do_not(name):
    assert not may_be_lead(name, "mV")


@pytest.mark.parametrize("unit", ["mmHg", "%", "bpm", "degC", "cmH2O", "l/min", "g", "Ohm"])
def test_other_quantities_do_not_whatever_their_name(unit):
    assert not may_be_lead("II", unit) and not may_be_lead("signal 3", unit)


def test_where_all_or_none_may_be_leads_all_are_looked_at():
    assert find_leads(["I", "II"], ["mV", "mV"]) == () and find_leads(["ABP", "RESP"], ["mmHg", "mV"]) == ()
    assert find_leads(["ABP", "II", "RESP", "V"], ["mmHg", "mV", "mV", "mV"]) == (1, 3)


def test_slower_channels_lie_on_straight_lines():
    fast, slow = np.arange(8.0), np.array([0.0, 4.0, 8.0, 12.0])
    together = on_one_rate([slow, fast], [1, 2], 2)
    assert together.tolist() == [[0, 2, 4, 6, 8, 10, 12, 12], list(range(8))]
