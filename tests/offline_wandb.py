"""Read what an offline wandb run has written: LevelDB log blocks of protobuf records, checksums verified.

wandb has no reader of its own in Python any more. Pictures and tables lie beside the file.
"""

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BLOCK, HEAD = 32768, 7
FULL, LAST = 1, 4  # kinds of parts that end a record


@dataclass
class OfflineRun:
    """What the records of one file say."""

    config: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    artifacts: dict[str, dict[str, Path]] = field(default_factory=dict)  # type to name to local file
    kinds: set[str] = field(default_factory=set)
    group: str = ""
    job_type: str = ""
    name: str = ""
    run_id: str = ""
    tags: tuple[str, ...] = ()
    exit_code: int | None = None


def records(path: Path) -> Iterator[Any]:
    """Yield every record of a ``run-ID.wandb``."""
    from wandb.proto import wandb_internal_pb2 as protocol

    raw = path.read_bytes()
    assert struct.unpack_from("<4sH", raw) == (b":W&B", 0xBEE1), f"{path} is no file of wandb"
    at, parts = HEAD, []
    while at + HEAD <= len(raw):
        if (left := BLOCK - at % BLOCK) < HEAD:
            at += left
            continue
        checksum, size, kind = struct.unpack_from("<IHB", raw, at)
        body = raw[at + HEAD : at + HEAD + size]
        assert zlib.crc32(bytes([kind]) + body) == checksum, f"{path}: byte {at}"
        at += HEAD + size
        parts.append(body)
        if kind in (FULL, LAST):
            record = protocol.Record()
            record.ParseFromString(b"".join(parts))
            parts = []
            yield record


def read_offline(path: Path) -> OfflineRun:
    """Read the run of one file."""
    run = OfflineRun()
    for record in records(path):
        kind = record.WhichOneof("record_type")
        run.kinds.add(kind)
        if kind == "history":
            run.history.append(_items(record.history.item))
        elif kind == "config":
            run.config |= _items(record.config.update)
        elif kind == "artifact":
            contents = record.artifact.manifest.contents
            run.artifacts[record.artifact.type] = {entry.path: Path(entry.local_path) for entry in contents}
        elif kind == "exit":
            run.exit_code = record.exit.exit_code
        elif kind == "run":
            about = record.run
            run.config |= _items(about.config.update)
            run.group, run.job_type, run.name = about.run_group, about.job_type, about.display_name
            run.run_id, run.tags = about.run_id, tuple(about.tags)
    return run


def _items(items: Any) -> dict[str, Any]:
    return {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in items}
