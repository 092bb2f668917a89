"""What a search draws from, written in Hydra's own words."""

from collections.abc import Mapping
from typing import Any

from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep

from pymaf_pl.errors import InputError


def distributions(axes: Mapping[str, Override]) -> dict[str, Any]:
    """Turn ``choice(a,b)``, ``range(1,5)``, ``interval(0,1)`` and ``tag(log,interval(1e-4,1e-2))`` into Optuna's.

    Raises:
        InputError: there is nothing to search, or something Optuna has no distribution for.
    """
    from optuna.distributions import CategoricalDistribution

    if not axes:
        raise InputError("nothing to search: give a key an interval, as in 'optimizer.lr=tag(log,interval(1e-4,1e-2))'")
    found: dict[str, Any] = {}
    for key, override in axes.items():
        sweep: Any = override.value()
        ranged = isinstance(sweep, IntervalSweep | RangeSweep)
        log = ranged and "log" in (sweep.tags or ())
        try:
            if isinstance(sweep, IntervalSweep):
                low, high = sweep.start, sweep.end
                whole = isinstance(low, int) and isinstance(high, int)
                found[key] = _numbers(whole, low, high, log=log)
            elif isinstance(sweep, RangeSweep) and not log:
                start: Any = sweep.start or 0
                stop: Any = sweep.stop
                step: Any = sweep.step or 1
                whole = all(isinstance(value, int) for value in (start, stop, step))
                found[key] = _numbers(whole, start, range(start, stop, step)[-1] if whole else stop, step=step)
            else:
                found[key] = CategoricalDistribution(list(override.sweep_string_iterator()))
        except (ValueError, TypeError, IndexError) as error:
            raise InputError(f"{override.input_line}: {error}") from None
    return found


def draw(trial: Any, key: str, distribution: Any) -> Any:
    """Let a trial draw a value, or return the one that it has drawn before."""
    if hasattr(distribution, "choices"):
        return trial.suggest_categorical(key, distribution.choices)
    suggest = trial.suggest_int if type(distribution).__name__ == "IntDistribution" else trial.suggest_float
    # of a logarithmic scale there is no step
    options = {"log": True} if distribution.log else {"step": distribution.step}
    return suggest(key, distribution.low, distribution.high, **options)


def _numbers(whole: bool, low: Any, high: Any, **options: Any) -> Any:
    from optuna.distributions import FloatDistribution, IntDistribution

    return IntDistribution(low, high, **options) if whole else FloatDistribution(low, high, **options)


def as_override(key: str, value: Any) -> str:
    """Write a drawn value as an override."""
    return f"{key}={value!r}" if isinstance(value, float) else f"{key}={value}"
