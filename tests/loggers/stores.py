"""What the stores of loggers hold, read with the programs' own readers: ``{name: [(step, value), ...]}``."""

import json
import struct
from collections import defaultdict
from pathlib import Path

BLOCK = 32768  # bytes: wandb's files are LevelDB logs, after seven bytes of their own


def read_tensorboard(folder: Path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0}).Reload()
    return {name: [(one.step, one.value) for one in events.Scalars(name)] for name in events.Tags()["scalars"]}


def read_tensorboard_text(folder: Path) -> str:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder)).Reload()
    return events.Tensors("settings/text_summary")[0].tensor_proto.string_val[0].decode()


def read_mlflow(uri: str, experiment: str = "maskrcnn"):
    """Of the only run: its numbers, its parameters, its state."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    (run,) = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    numbers = {
        name: sorted((one.step, one.value) for one in client.get_metric_history(run.info.run_id, name))
        for name in run.data.metrics
    }
    return numbers, run.data.params, run.info.status, run.info.run_name


def read_wandb(folder: Path):
    """Of all files of a folder: numbers, config, exit codes, ids."""
    from wandb.proto import wandb_internal_pb2

    numbers, config, codes, ids = defaultdict(list), {}, [], set()
    for path in sorted(folder.glob("wandb/*run-*/*.wandb")):
        for content in leveldb_records(path.read_bytes()[7:]):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(content)
            if record.HasField("history"):
                items = {
                    item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in record.history.item
                }
                for name in set(items) - {"step"}:
                    numbers[name].append((items["step"], items[name]))
            elif record.HasField("run"):
                config |= {item.key: json.loads(item.value_json) for item in record.run.config.update}
                ids.add(record.run.run_id)
            elif record.HasField("exit"):
                codes.append(record.exit.exit_code)
    return dict(numbers), config, codes, ids


def leveldb_records(data: bytes):
    """The records of a LevelDB log whose first block began seven bytes earlier."""
    at, whole = 0, b""
    while at + 7 <= len(data):
        left = BLOCK - (at + 7) % BLOCK
        if left < 7:
            at += left
            continue
        _, length, kind = struct.unpack_from("<IHB", data, at)
        whole += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield whole
            whole = b""
