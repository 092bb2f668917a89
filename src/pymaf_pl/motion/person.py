"""What one person's next estimate needs to know of the last ones.

Shapes:  24 joints, 10 betas.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pymaf_pl.motion.smoothing import FloatArray, OneEuro, RotationFilter, VectorFilter

_FORGET = 0.5  # seconds out of sight after which the filters start anew
_PARTS = (
    ("rotation", (24, 3, 3)), ("turning", (24, 3)), ("place", (2,)), ("moving", (2,)), ("depth", (1,)),
    ("receding", (1,)), ("betas", (10,)), ("count", ()), ("time", ()),
)  # fmt: skip
_FILTERS = [(_PARTS[i][1], _PARTS[i + 1][1]) for i in (0, 2, 4)]
STATE_SIZE = sum(int(np.prod(shape)) for _, shape in _PARTS)


@dataclass(frozen=True)
class Smoothing:
    """How much.

    Args:
        rotations: of joints and root, speeds in rad/s.
        place: of where somebody is in the picture (x / z, y / z), speeds per second; quick, since a body that lags
            behind its picture is seen at once.
        depth: of log z, speeds per second; slow, since one picture hardly tells it.
    """

    rotations: OneEuro = field(default_factory=lambda: OneEuro(min_cutoff=0.6, beta=0.6))
    place: OneEuro = field(default_factory=lambda: OneEuro(min_cutoff=2.0, beta=20.0))
    depth: OneEuro = field(default_factory=lambda: OneEuro(min_cutoff=0.5, beta=1.0))


class Estimate(NamedTuple):
    """A body in front of the camera."""

    rotmat: FloatArray
    """(24, 3, 3)"""
    betas: FloatArray
    """(10,)"""
    transl: FloatArray
    """(3,) metres, camera axes"""


class PersonSmoother:
    """The filters of one person; shape, which does not change, is the mean of all that was seen.

    Args:
        smoothing: how much; None for not at all.
    """

    def __init__(self, smoothing: Smoothing | None) -> None:
        self.smoothing = smoothing
        self._forget()
        self._betas, self._count, self.time = np.zeros(10), 0, -np.inf

    def __call__(self, estimate: Estimate, time: float) -> Estimate:
        """Take the estimate of a moment, in seconds, later than the last; return the smoothed one."""
        rotmat, betas, transl = estimate
        dt, self.time = time - self.time, time
        if self.smoothing is None:
            return estimate
        if dt > _FORGET:
            self._forget()
        self._count += 1
        self._betas = self._betas + (np.asarray(betas, np.float64) - self._betas) / self._count
        x, y, z = np.asarray(transl, np.float64)
        across, down = self._place([x / z, y / z], dt)
        z = np.exp(self._depth([np.log(z)], dt)[0])
        return Estimate(self._rotations(rotmat, dt), self._betas, np.array([across * z, down * z, z]))

    def pack(self) -> FloatArray:
        """Return all that it remembers as (``STATE_SIZE``,) numbers; NaN for filters that have not begun."""
        values: list[npt.ArrayLike] = []
        filters: tuple[RotationFilter | VectorFilter, ...] = (self._rotations, self._place, self._depth)
        for filter_, (value, speed) in zip(filters, _FILTERS, strict=True):
            if filter_.value is None:
                values += [np.full(value, np.nan), np.zeros(speed)]
            else:
                values += [filter_.value, filter_.speed]
        return np.concatenate([np.ravel(v) for v in (*values, self._betas, self._count, self.time)]).astype(np.float64)

    @classmethod
    def unpack(cls, packed: npt.NDArray[np.float64], smoothing: Smoothing | None) -> "PersonSmoother":
        """Return a smoother that goes on where :meth:`pack` was called."""
        person, begin = cls(smoothing), 0
        parts: dict[str, FloatArray] = {}
        for name, shape in _PARTS:
            size = int(np.prod(shape))
            parts[name] = packed[begin : begin + size].reshape(shape)
            begin += size
        if not np.isnan(parts["rotation"]).any():
            person._rotations.value, person._rotations.speed = parts["rotation"], parts["turning"]
            person._place.value, person._place.speed = parts["place"], parts["moving"]
            person._depth.value, person._depth.speed = parts["depth"], parts["receding"]
        person._betas, person._count, person.time = parts["betas"], int(parts["count"]), float(parts["time"])
        return person

    def _forget(self) -> None:
        smoothing = self.smoothing or Smoothing()
        self._rotations = RotationFilter(smoothing.rotations)
        self._place, self._depth = VectorFilter(smoothing.place), VectorFilter(smoothing.depth)
