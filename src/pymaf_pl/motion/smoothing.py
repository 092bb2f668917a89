"""Less jitter without lag where it counts: the one-euro filter, on vectors and on rotations.

A low-pass filter whose cutoff grows with speed (Casiez, Roussel and Vogel, CHI 2012): who stands still is held still,
who moves fast is hardly held back. On rotations the same filter runs in the tangent space of the last estimate: the
step to the new measurement is a rotation vector, and a part of it is taken.

Everything is causal, so that a file and a camera go through the same code.

Shapes:  J rotations, D components.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class OneEuro:
    """The filter's three numbers.

    Args:
        min_cutoff: Hz at rest; lower is smoother.
        beta: Hz per unit of speed (rad/s for rotations); higher follows faster.
        derivative_cutoff: Hz, of the speed itself; 1 is the authors' own.
    """

    min_cutoff: float
    beta: float
    derivative_cutoff: float = 1.0

    def share(self, speed: FloatArray, dt: float) -> FloatArray:
        """Return how much of a step to take, in [0, 1], at a speed and a time step."""
        return _share(self.min_cutoff + self.beta * speed, dt)

    def derivative_share(self, dt: float) -> float:
        """Return how much of a change of speed to take."""
        return float(_share(np.array(self.derivative_cutoff), dt))


def _share(cutoff: FloatArray, dt: float) -> FloatArray:
    turn = 2 * np.pi * cutoff * dt
    return turn / (turn + 1)


class VectorFilter:
    """One-euro on (D,) values; each component by its own speed.

    Args:
        euro: the filter's numbers.
    """

    def __init__(self, euro: OneEuro) -> None:
        self.euro = euro
        self.value: FloatArray | None = None
        self.speed: FloatArray = np.zeros(0)

    def __call__(self, value: npt.ArrayLike, dt: float) -> FloatArray:
        """Take a measurement ``dt`` seconds after the last; return the estimate."""
        value = np.asarray(value, np.float64)
        if self.value is None:
            self.value, self.speed = value, np.zeros_like(value)
            return value
        step = value - self.value
        self.speed = self.speed + self.euro.derivative_share(dt) * (step / dt - self.speed)
        self.value = self.value + self.euro.share(np.abs(self.speed), dt) * step
        return self.value


class RotationFilter:
    """One-euro on (J, 3, 3) rotations; each by its own angular speed.

    Args:
        euro: the filter's numbers, for angles in radians.
    """

    def __init__(self, euro: OneEuro) -> None:
        self.euro = euro
        self.value: FloatArray | None = None
        self.speed: FloatArray = np.zeros((0, 3))

    def __call__(self, rotmat: npt.NDArray[Any], dt: float) -> FloatArray:
        """Take a measurement ``dt`` seconds after the last; return the estimate."""
        rotmat = np.asarray(rotmat, np.float64)
        if self.value is None:
            self.value, self.speed = rotmat, np.zeros((len(rotmat), 3))
            return rotmat
        step = Rotation.from_matrix(self.value.transpose(0, 2, 1) @ rotmat).as_rotvec()
        self.speed = self.speed + self.euro.derivative_share(dt) * (step / dt - self.speed)
        part = self.euro.share(np.linalg.norm(self.speed, axis=-1, keepdims=True), dt) * step
        self.value = self.value @ Rotation.from_rotvec(part).as_matrix()
        return self.value
