"""``pymaf train --from RUN_DIR``: a run again, from its resolved configuration and not from today's files."""

from collections.abc import Sequence
from pathlib import Path

from pymaf_pl.errors import InputError
from pymaf_pl.paths import conf_dir


def repeat_words(source: Path, overrides: Sequence[str]) -> list[str]:
    """Return the overrides with which Hydra composes a run's own ``config.yaml`` into a new run.

    Args:
        source: the run folder.
        overrides: of the user, ``KEY=VALUE``.

    Raises:
        InputError: it is no run folder, or a configuration group is overridden: there are none any more.
    """
    if not (source / "config.yaml").is_file():
        raise InputError(f"--from {source}: no config.yaml in it; give the folder of a run that pymaf train made")
    for word in overrides:
        key = word.partition("=")[0].lstrip("+~")
        if (conf_dir() / key).is_dir():
            raise InputError(
                f"{word}: a repeated run has no groups any more, only values, such as model.num_iterations=2; for "
                "other choices give the run's command, which is in its run.json"
            )
    # where runs go and how logs look is not part of a run's configuration
    return [f"hydra.searchpath=['file://{conf_dir()}']", "+run=train", *overrides]
