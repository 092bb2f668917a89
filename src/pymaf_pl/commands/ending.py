"""How a run ends that cannot go on, for a reason that is the user's to mend: in one line, with what is left of it."""

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pymaf_pl.errors import InputError, input_error_behind, one_line

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def one_line_if_full(run_dir: Path) -> Iterator[None]:
    """Say that the disk is full, and which checkpoint is left.

    Args:
        run_dir: of the run that writes.

    Raises:
        InputError: no space, or no quota, is left.
    """
    told, logging.raiseExceptions = logging.raiseExceptions, False  # log.txt is on the same disk
    try:
        yield
    except Exception as error:
        if not is_full(error):
            raise
        last = run_dir / "checkpoints" / "last.ckpt"
        kept = f"{last} is whole, and {_again(run_dir)}" if last.is_file() else "no checkpoint yet"
        raise InputError(f"{run_dir}: the disk is full; {kept} once there is room") from error
    finally:
        logging.raiseExceptions = told


@contextmanager
def naming(checkpoint: Path) -> Iterator[None]:
    """Add to the line of a user's mistake during training, pictures that vanish, which checkpoint is left.

    Args:
        checkpoint: in the run's folder of checkpoints.

    Raises:
        InputError: the mistake, and the checkpoint if it is there.
    """
    try:
        yield
    except Exception as error:
        mistake = input_error_behind(error)
        if mistake is None or not checkpoint.is_file() or str(checkpoint) in str(mistake):
            raise
        again = _again(checkpoint.parents[1])
        raise InputError(f"{one_line(mistake)}; {checkpoint} is kept, and once that is mended {again}") from error


def _again(run_dir: Path) -> str:
    return f"the same command with hydra.run.dir={run_dir} goes on from it"


def is_full(error: BaseException | None) -> bool:
    """Whether an exception comes from a full disk; torch's own, of a file cut short, has the cause behind it."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        error = error.__cause__ or error.__context__
    return False
