"""One feedback step: evidence and the current body in, a better body out."""

from typing import Literal

import torch
from torch import Tensor, nn

from pymaf_pl.errors import InputError
from pymaf_pl.types import CAMERA_DIM, POSE_DIM, SHAPE_DIM, BodyState

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
    """

    def __init__(
        self,
        evidence_features: int,
        hidden: int = 1024,
        dropout: float = 0.5,
        head_gain: float = 0.01,
        activation: Activation = "none",
    ) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise InputError(f"model.activation={activation}: the regressors know {' and '.join(ACTIVATIONS)}")
        self.activation = ACTIVATIONS[activation]()
        self.fc1 = nn.Linear(evidence_features + POSE_DIM + SHAPE_DIM + CAMERA_DIM, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.dropout = nn.Dropout(dropout)
        self.pose = nn.Linear(hidden, POSE_DIM)
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
        current = body.vector()
        hidden = self._hidden(self.fc1, torch.cat([evidence.to(current), current], dim=1))
        hidden = self._hidden(self.fc2, hidden)
        change = torch.cat([self.pose(hidden), self.shape(hidden), self.camera(hidden)], dim=1)
        return BodyState.from_vector(current + change.to(current))

    def _hidden(self, layer: nn.Module, values: Tensor) -> Tensor:
        hidden: Tensor = self.dropout(self.activation(layer(values)))
        return hidden
