"""Ground truth on the body of each person's gender, whatever body the estimates have.

Shapes:  N people, V vertices.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pymaf_pl.body import BodyModel, load_body
from pymaf_pl.body.files import Gender
from pymaf_pl.errors import InputError
from pymaf_pl.metrics.measuring import Table

_INITIALS: dict[str, Gender] = {"m": "male", "f": "female", "n": "neutral"}


class GenderedBodies:
    """The male and the female body, and who has which; everybody else keeps the body of the estimates.

    Args:
        bodies: gender to body.
        gender: (N,) of each row of the table, empty if unknown.
    """

    def __init__(self, bodies: Mapping[str, BodyModel], gender: npt.NDArray[np.str_]) -> None:
        self.bodies, self.gender = dict(bodies), gender

    @classmethod
    def for_people(cls, table: Table, body: BodyModel) -> "tuple[GenderedBodies | None, list[str]]":
        """Load the bodies that a table's people need, of the same kind as the estimates' body.

        Returns:
            None if nothing is known, and what makes figures not comparable.
        """
        if not any(table.gender):
            return None, [
                f"{table.path} has no genders, the true bodies are taken to be neutral; convert the data set again, "
                "its labels have them"
            ]
        gender = np.array([_INITIALS.get(entry, "") for entry in table.gender.tolist()])
        reservations = []
        if unknown := int((gender == "").sum()):
            reservations.append(f"{table.path} has no gender for {unknown:,} of {len(table):,} people; add 'm' or 'f'")
        bodies: dict[str, BodyModel] = {}
        for name in sorted(set(gender.tolist()) - {"", "neutral"}):
            try:
                loaded = load_sibling(body, _INITIALS[name[0]])
            except InputError as error:
                reservations.append(f"the true bodies are taken to be neutral: {error}")
                return None, reservations
            if loaded.topology != body.topology:
                reservations.append(
                    f"the {name} body has the topology {loaded.topology}, the estimates' has {body.topology}; "
                    "put files of one model into the folder"
                )
                return None, reservations
            bodies[name] = loaded
        return cls(bodies, gender), reservations

    def split(self, row: Tensor) -> Iterator[tuple[BodyModel, Tensor]]:
        """Yield each body with the places in the batch of the people who have it.

        Args:
            row: (B,) rows of the table.
        """
        gender = self.gender[row.cpu().numpy()]
        for name, body in self.bodies.items():
            who = np.flatnonzero(gender == name)
            if len(who):
                yield body.to(row.device), torch.from_numpy(who).to(row.device)


def load_sibling(body: BodyModel, gender: Gender) -> BodyModel:
    """Load the same kind of body of another gender, from the folder that the given one came from.

    Raises:
        InputError: there is none.
    """
    if body.name != "smpl":
        return load_body(body.name, gender)
    folder = Path(body.arrays.source).parent
    if folder.name == "smpl" and not (folder / "J_regressor_h36m.npy").is_file():
        folder = folder.parent  # the models may lie one folder below the regressors
    return load_body(body.name, gender, folder)


def neutral_pose(body: BodyModel, betas: Tensor) -> Tensor:
    """Return the (N, V, 3) surface of (N, 10) shapes in the T-pose."""
    full = body.full
    return full.v_template + torch.einsum("nb,vcb->nvc", betas.to(full.v_template), full.shapedirs)
