"""The measures of recordings: waves of the heart's beat, or intervals that are found and named."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from maskrcnn.data.dataset import Dataset
from maskrcnn.evaluation.fields import UNKNOWN, FieldResult
from maskrcnn.modalities.signals.measures.heart_waves import SIDES, WAVES, ecg_measures
from maskrcnn.modalities.signals.measures.intervals import DIGITS, interval_measures
from maskrcnn.structures import Instances, Record

# Martínez et al. 2004 on the QT database, better lead per point: sensitivity in %, then mean and sd of errors in ms.
MARTINEZ = {
    "P": {"sensitivity": "98.87", "onset": "2.0 ± 14.8", "end": "1.9 ± 12.8"},
    "QRS": {"sensitivity": "99.97", "onset": "4.6 ± 7.7", "end": "0.8 ± 8.7"},
    "T": {"sensitivity": "99.77", "end": "-1.6 ± 18.1"},
}
LEADS = {"ecg": "this model", "ecg/fixed_lead": "first lead", "ecg/better_lead": "better lead"}  # prefix: heading
SECONDS, BASES = 60, 1000  # that false alarms are counted in


def field_measures(
    dataset: Dataset,
    records: Sequence[Record],
    detections: Sequence[Instances],
    by_lead: Sequence[Sequence[Instances]] | None = None,
) -> FieldResult:
    """The measures of the field that the recordings come from; an empty result where a record has no sampling rate.

    Those with a class QRS are ECG: ``ecg/...``. All others have ``intervals/...``, and those whose classes are digits
    the same under ``digits/`` too.

    Args:
        dataset: says the names of the classes, and of sequences that they are some.
        records: those that could be read, in file coordinates.
        detections: of each, with all scores, under the data set's labels, on the CPU.
        by_lead: of ECG, for each record the detections in each of its leads by itself.

    Returns:
        Numbers by name, and a table of them.
    """
    if not records or any(record.sampling_rate is None for record in records):
        return FieldResult()
    if "QRS" in dataset.class_names:
        metrics = ecg_measures(records, detections, dataset.class_names, by_lead)
        return FieldResult(metrics, _ecg_table(metrics))
    intervals = interval_measures(records, detections)
    if dataset.kind == "dna":  # a rate of 1 is a base, not a second
        alarms = intervals.pop("false_per_minute")
        intervals["false_per_kilobase"] = None if alarms is None else alarms / SECONDS * BASES
    prefixes = ["intervals"] + ["digits"] * (set(dataset.class_names) <= DIGITS)
    metrics = {f"{prefix}/{name}": value for prefix in prefixes for name, value in intervals.items()}
    return FieldResult(metrics, _interval_table(intervals))


def _ecg_table(metrics: dict[str, float | None]) -> Table:
    prefixes = [prefix for prefix in LEADS if any(f"{prefix}/{wave}/waves" in metrics for wave in WAVES)]
    table = Table(
        title="Waves; errors in ms: mean ± sd",
        caption="sd: within recordings, averaged. Martínez: better lead",
    )
    for heading in ("", *(LEADS[prefix] for prefix in prefixes), "Martínez 2004"):
        table.add_column(heading, justify="right" if heading else "left")
    for wave in (wave for wave in WAVES if f"ecg/{wave}/waves" in metrics):
        heading = f"{wave} sensitivity %, of {metrics[f'ecg/{wave}/waves']:,.0f}"
        for name, words in {"sensitivity": heading, "ppv": f"{wave} ppv %"}.items():
            cells = (_percent(metrics, f"{prefix}/{wave}/{name}") for prefix in prefixes)
            table.add_row(words, *cells, MARTINEZ[wave].get(name, UNKNOWN))
        for name in SIDES:
            cells = (_error(metrics, f"{prefix}/{wave}/{name}") for prefix in prefixes)
            table.add_row(f"{wave} {name}", *cells, MARTINEZ[wave].get(name, UNKNOWN), end_section=name == SIDES[-1])
    return table


def _interval_table(intervals: dict[str, float | None]) -> Table:
    table = Table(title="Intervals, shown at a score of 0.5")
    table.add_column("")
    table.add_column("all", justify="right")
    table.add_row("found % (IoU 0.5)", _percent(intervals, "found"))
    table.add_row("found and named %", _percent(intervals, "named"))
    for name, words in {"false_per_minute": "a minute", "false_per_kilobase": "a kilobase"}.items():
        alarms = intervals.get(name)
        if name in intervals:
            table.add_row(f"false alarms {words}", UNKNOWN if alarms is None else f"{alarms:.2f}")
    return table


def _percent(metrics: dict[str, float | None], name: str) -> str:
    value = metrics.get(name)
    return UNKNOWN if value is None else f"{100 * value:.2f}"


def _error(metrics: dict[str, float | None], name: str) -> str:
    mean, spread = metrics.get(f"{name}_mean_ms"), metrics.get(f"{name}_sd_ms")
    if mean is None:
        return UNKNOWN
    return f"{mean:.1f} ± {UNKNOWN if spread is None else f'{spread:.1f}'}"
