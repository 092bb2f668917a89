"""How a wrong checkpoint is answered: one line that begins with its path."""

from pathlib import Path

import pytest

from pymaf_pl.checkpoints import read_checkpoint
from pymaf_pl.errors import InputError


def complaint(path: Path) -> str:
    """Return what reading a checkpoint is refused with."""
    with pytest.raises(InputError) as caught:
        read_checkpoint(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message
