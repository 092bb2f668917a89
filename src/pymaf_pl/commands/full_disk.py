"""A full disk is the user's to mend, and is said in one line."""

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pymaf_pl.errors import InputError

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
        again = f"the same command with hydra.run.dir={run_dir} goes on from it"
        kept = f"{last} is whole, and {again}" if last.is_file() else "no checkpoint yet"
        raise InputError(f"{run_dir}: the disk is full; {kept} once there is room") from error
    finally:
        logging.raiseExceptions = told


def is_full(error: BaseException | None) -> bool:
    """Whether an exception comes from a full disk; torch's own, of a file cut short, has the cause behind it."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        error = error.__cause__ or error.__context__
    return False
