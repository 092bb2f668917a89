"""From a checkpoint of ours to what the published code loads."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from pymaf_pl.body import BodyModel
from pymaf_pl.errors import InputError
from pymaf_pl.official.buffers import body_buffers
from pymaf_pl.official.layout import (
    MAX_ITERATIONS,
    MEAN_PARTS,
    NUM_POINTS,
    TITLES,
    Kind,
    Layout,
    pymaf_layout,
    spin_layout,
)
from pymaf_pl.official.points import downsampling, points_grid
from pymaf_pl.official.record import official_record

_TRAINING_ONLY = {"dropout", "head_gain", "detach"}  # they leave the trained network as it is


def write_official(
    state: Mapping[str, Tensor],
    record: Mapping[str, Any],
    kind: Kind,
    vertices: list[int] | None,
    body: BodyModel | None,
    path: Path,
) -> dict[str, dict[str, Tensor]]:
    """Return the content of a published checkpoint.

    Args:
        state: our weights.
        record: of the checkpoint.
        kind: which network.
        vertices: that our network samples at; None for SPIN's, which does not.
        body: whose buffers go along; None to leave them out, as the published loader allows with ``strict=False``.
        path: of our checkpoint, for messages.

    Raises:
        InputError: the network is not the published one; names the first setting, key or shape that differs.
    """
    layout = _layout(state, record, kind)
    fault = _settings_fault(record, layout, vertices) or _key_fault(state, layout)
    if fault is not None:
        raise InputError(f"{path}: cannot be written as an {TITLES[kind]}: {fault}")
    mean = dict(zip(MEAN_PARTS, state["mean"].split(list(MEAN_PARTS.values()), dim=1), strict=True))
    constants = {name: value.contiguous() for name, value in mean.items()}
    if vertices is not None:
        constants |= {"points_grid": points_grid(), "Dmap": downsampling(vertices)}
    weights = {
        name: state[entry.ours[0]] if entry.ours else constants[name.rsplit(".", 1)[-1]]
        for name, entry in layout.entries.items()
    }
    if kind == "pymaf" and body is not None:
        buffers = body_buffers(body)
        for t in range(layout.num_iterations):
            weights |= {f"regressor.{t}.smpl.{name}": value for name, value in buffers.items()}
    return {"model": weights}


def _layout(state: Mapping[str, Tensor], record: Mapping[str, Any], kind: Kind) -> Layout:
    if kind == "spin":
        return spin_layout()
    iterations = record["network"]["model"].get("num_iterations")
    dense_head = any(name.startswith("dense_head.") for name in state)
    return pymaf_layout(iterations if iterations in range(1, MAX_ITERATIONS) else MAX_ITERATIONS, dense_head)


def _settings_fault(record: Mapping[str, Any], layout: Layout, vertices: list[int] | None) -> str | None:
    """Say which setting differs; names and shapes of the weights do not show all of them."""
    published = official_record(layout, vertices, topology=None)
    found, wanted = record["network"]["model"], published["network"]["model"]
    if found.get("feedback"):  # without a list of its own it samples at the body's, which are ``vertices``
        found = {**found, "feedback": found["feedback"] | {"vertices": vertices}}
    if found.get("pyramid_levels") is None:  # the published three
        found = {key: value for key, value in found.items() if key != "pyramid_levels"}
    for key, value in wanted.items():
        if key not in _TRAINING_ONLY and not _agrees(found.get(key, value), value):
            shown = found[key]["_target_"] if isinstance(found[key], Mapping) else found[key]
            return f"model.{key}={shown} is not what the published network has"
    if record["image_size"] != published["image_size"]:
        return f"it was made for {record['image_size']} px, the published network for {published['image_size']}"
    if vertices is not None and len(vertices) != NUM_POINTS:
        return f"it samples at {len(vertices)} vertices, the published network at {NUM_POINTS}"
    return None


def _agrees(found: Any, wanted: Any) -> bool:
    """Compare a setting; of a part only what the published network sets, whatever module it stood in."""
    if not (isinstance(found, Mapping) and isinstance(wanted, Mapping)):
        return bool(found == wanted)
    name, wanted_name = (str(node.get("_target_")).rsplit(".", 1)[-1] for node in (found, wanted))
    return name == wanted_name and all(found.get(k, v) == v for k, v in wanted.items() if k != "_target_")


def _key_fault(state: Mapping[str, Tensor], layout: Layout) -> str | None:
    wanted: dict[str, tuple[tuple[int, ...], str]] = {"mean": ((1, sum(MEAN_PARTS.values())), "mean")}
    wanted |= {name: (entry.shape, entry.ours[0]) for entry in layout.entries.values() for name in entry.ours}
    for name, (shape, first) in wanted.items():
        if name not in state:
            return f"it has no '{name}'"
        if tuple(state[name].shape) != shape:
            return f"'{name}' has the shape {tuple(state[name].shape)}, the published network's is {shape}"
        if name != first and not state[name].equal(state[first]):
            return f"'{name}' is not '{first}', the published network shares it"
    too_much = sorted(state.keys() - wanted.keys())
    return f"the published network has nothing like '{too_much[0]}'" if too_much else None
