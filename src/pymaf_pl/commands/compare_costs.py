"""What each group costs: parameters, operations, milliseconds, hours of training."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pymaf_pl.commands.compare_groups import Group
from pymaf_pl.commands.compare_numbers import Summary
from pymaf_pl.commands.compare_runs import Run


@dataclass(frozen=True)
class Cost:
    """One kind of cost.

    Attributes:
        name: as the command line calls it.
        head: of its column.
        of: a run's; None if unknown.
        write: as text.
    """

    name: str
    head: str
    of: Callable[[Run], float | None]
    write: Callable[[float], str]

    def mean(self, group: Group) -> float | None:
        """Return the mean over a group's runs of which it is known."""
        known = [value for run in group.runs if (value := self.of(run)) is not None]
        return sum(known) / len(known) if known else None

    def cell(self, group: Group) -> str:
        """Return a group's cell."""
        value = self.mean(group)
        return "–" if value is None else self.write(value)


COSTS = (
    Cost("parameters", "M params", lambda run: run.parameters, lambda value: f"{value / 1e6:.1f}"),
    Cost("flops", "GFLOPs", lambda run: run.flops, lambda value: f"{value / 1e9:.3g}"),
    Cost("ms", "ms/image", lambda run: run.ms_per_image, lambda value: f"{value:.3g}"),
    Cost("hours", "hours", lambda run: run.hours, lambda value: f"{value:.3g}"),
)


def known_costs(groups: Sequence[Group]) -> list[Cost]:
    """Return the kinds that at least one group knows; parameters always."""
    return [
        cost for cost in COSTS if cost.name == "parameters" or any(cost.mean(group) is not None for group in groups)
    ]


def sort_by_cost(summaries: Sequence[Summary], name: str | None) -> list[Summary]:
    """Put the cheapest group first, those of unknown cost last; None leaves the order as it is."""
    if name is None:
        return list(summaries)
    cost = next(cost for cost in COSTS if cost.name == name)
    values = [(summary, cost.mean(summary.group)) for summary in summaries]
    return [summary for summary, _ in sorted(values, key=lambda pair: math.inf if pair[1] is None else pair[1])]


def cost_notes(groups: Sequence[Group]) -> list[str]:
    """Say what the columns mean, of those that there are."""
    runs = [run for group in groups for run in group.runs]
    notes = []
    if any(run.flops is not None for run in runs):
        notes.append("GFLOPs of one picture, a multiplication and an addition being two.")
    places = sorted({run.measured_on for run in runs if run.measured_on})
    if places:
        apart = " Different machines are not comparable." if len(places) > 1 else ""
        notes.append(f"ms/image: the fastest of up to 20 single passes after training ({'; '.join(places)}).{apart}")
    if any(run.hours is not None for run in runs):
        devices = sorted({run.device for run in runs if run.hours is not None and run.device})
        what = " and ".join({"cuda": "GPU", "cpu": "CPU"}.get(name, name) for name in devices) or "process"
        notes.append(f"Hours: {what} hours of training per run, summed over its processes.")
    return notes
