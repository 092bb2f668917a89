"""One feedback step: evidence and the current body in, a better body out."""

import torch
from torch import Tensor, nn

from pymaf_pl.types import CAMERA_DIM, POSE_DIM, SHAPE_DIM, BodyState


class Regressor(nn.Module):
    """Predict what to add to pose, shape and camera (HMR, Kanazawa et al., CVPR 2018).

    There is no non-linearity between the two hidden layers, as in HMR, SPIN and PyMAF.

    Args:
        evidence_features: length of the evidence vector.
        hidden: width of both hidden layers.
        dropout: after each hidden layer.
        head_gain: Xavier gain of the three heads; small, so that the first steps are small.
    """

    def __init__(
        self, evidence_features: int, hidden: int = 1024, dropout: float = 0.5, head_gain: float = 0.01
    ) -> None:
        super().__init__()
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
        hidden = self.dropout(self.fc1(torch.cat([evidence.to(current), current], dim=1)))
        hidden = self.dropout(self.fc2(hidden))
        change = torch.cat([self.pose(hidden), self.shape(hidden), self.camera(hidden)], dim=1)
        return BodyState.from_vector(current + change.to(current))
