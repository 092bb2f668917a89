"""One feedback step: evidence and the current body in, a better body out."""

from typing import Literal

import torch
from torch import Tensor, nn

from pymaf_pl.errors import InputError
from pymaf_pl.models.pose_code import PoseCode, SixD
from pymaf_pl.types import CAMERA_DIM, SHAPE_DIM, BodyState

Activation = Literal["none", "relu"]
ACTIVATIONS: dict[str, type[nn.Module]] = {"none": nn.Identity, "relu": nn.ReLU}


class Regressor(nn.Module):
    """Predict what to add to pose, shape and camera (HMR, Kanazawa et al., CVPR 2018).

    As published, in HMR, SPIN and PyMAF, there is no non-linearity between the layers: the change is linear in the
    evidence and the current body. With ``relu`` a correction can depend on both together.

    Args:
        evidence_features: length of the evidence vector.
        hidden: width of both hidden layers.
        dropout: after each hidden layer.
        head_gain: Xavier gain of the three heads; small, so that the first steps are small.
        activation: after each hidden layer, ``none`` or ``relu``.
        code: the numbers that stand for a pose; None for raw 6D.
    """

    def __init__(
        self,
        evidence_features: int,
        hidden: int = 1024,
        dropout: float = 0.5,
        head_gain: float = 0.01,
        activation: Activation = "none",
        code: PoseCode | None = None,
    ) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise InputError(f"model.activation={activation}: the regressors know {' and '.join(ACTIVATIONS)}")
        self.activation = ACTIVATIONS[activation]()
        self.code = SixD() if code is None else code
        self.sizes = [self.code.size, SHAPE_DIM, CAMERA_DIM]
        self.fc1 = nn.Linear(evidence_features + sum(self.sizes), hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.dropout = nn.Dropout(dropout)
        self.pose = nn.Linear(hidden, self.code.size)
        self.shape = nn.Linear(hidden, SHAPE_DIM)
        self.camera = nn.Linear(hidden, CAMERA_DIM)
        for head in (self.pose, self.shape, self.camera):
            nn.init.xavier_uniform_(head.weight, gain=head_gain)

    def forward(self, evidence: Tensor, body: BodyState) -> BodyState:
        """Return the updated body; always in the body's own precision.

        Args:
            evidence: (B, evidence_features).
            body: the current estimate of B people.
        """
        current = torch.cat([self.code.read(body.pose_6d), body.betas, body.weak_cam], dim=1)
        hidden = self._hidden(self.fc1, torch.cat([evidence.to(current), current], dim=1))
        hidden = self._hidden(self.fc2, hidden)
        change = torch.cat([self.pose(hidden), self.shape(hidden), self.camera(hidden)], dim=1)
        pose, betas, weak_cam = (current + change.to(current)).split(self.sizes, dim=1)
        return BodyState(self.code.write(pose), betas, weak_cam)

    def _hidden(self, layer: nn.Module, values: Tensor) -> Tensor:
        hidden: Tensor = self.dropout(self.activation(layer(values)))
        return hidden
