"""Random numbers of a training step that follow from where the step stands."""

import random

import numpy as np
import torch


def seed_step(seed: int, epoch: int, batch: int, rank: int) -> None:
    """Seed torch (on all devices), numpy and Python for one batch.

    What a step draws (dropout above all) then depends on nothing that was drawn before. So a run that goes on from a
    checkpoint takes the very steps that it would have taken, whichever callback wrote the file and whatever validation,
    logging or the loaders had drawn until then, and no generator's state has to be kept, of any process or device.

    Args:
        seed: of the run.
        epoch: of the run.
        batch: of the epoch, as this process counts.
        rank: of this process; each draws its own numbers.
    """
    words = np.random.SeedSequence([seed, epoch, batch, rank]).generate_state(4)
    torch.manual_seed(int(words[0]) << 32 | int(words[1]))
    np.random.seed(int(words[2]))  # noqa: NPY002  the global generator is the one that somebody's code may draw from
    random.seed(int(words[3]))
