"""One source's rows, pass after pass without end, open at any place."""

import zlib

import numpy as np
import numpy.typing as npt

IndexArray = npt.NDArray[np.int64]


class Passes:
    """Every row once, in an order of its own, then every row once in another, and so on.

    The n-th row is the same whoever asks and whatever was asked before: each pass is shuffled by (seed, name, pass)
    alone. So what an epoch left of a pass, the next one goes on with, and every row is seen as often as every other
    but for the pass under way.

    Args:
        name: of the source; sources of one length are shuffled differently.
        length: how many rows it has.
        seed: of the order.
    """

    def __init__(self, name: str, length: int, seed: int) -> None:
        self.length = length
        self._key = [seed, zlib.crc32(name.encode())]

    def rows(self, start: int, count: int) -> IndexArray:
        """Return the ``count`` rows that follow the first ``start`` ones."""
        first, last = start // self.length, -(-(start + count) // self.length)
        drawn = [self._one_pass(number) for number in range(first, last)]
        begin = start - first * self.length
        return np.concatenate(drawn)[begin : begin + count] if drawn else np.empty(0, np.int64)

    def _one_pass(self, number: int) -> IndexArray:
        return np.random.default_rng([*self._key, number]).permutation(self.length)
