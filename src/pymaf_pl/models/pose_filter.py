"""What a network says of a pose, weighed against what is known of people's poses."""

import math
from dataclasses import replace

import torch
from torch import Tensor, nn

from pymaf_pl.body.pose_prior import PosePrior
from pymaf_pl.errors import InputError
from pymaf_pl.geometry.rotation import rotmat_from_6d, rotmat_from_axis_angle, rotmat_to_6d, rotmat_to_axis_angle
from pymaf_pl.types import BodyState


class PoseFilter(nn.Module):
    """Take a regressed pose for the true one with noise on it, and return the likeliest true one (a Wiener filter).

    With the pose prior's mean m and covariance C over the axis-angle of all its joints together, and noise of standard
    deviation sigma in each number, that is ``m + C (C + sigma^2 I)^-1 (pose - m)``: a spine, which people hardly bend,
    is drawn back a long way, a raised arm much less, and joints that move together vouch for each other. It keeps a
    network from folding people up in pictures unlike those that it was trained on. The root turns as it likes, and so
    do hands and toes, of which the prior says nothing.

    A network that is trained through it could learn to overshoot by what it takes away, so it is for inference.

    Args:
        noise: sigma, radians.

    Raises:
        InputError: the noise is not positive.
    """

    mean: Tensor
    gain: Tensor
    joints: Tensor

    def __init__(self, noise: float) -> None:
        super().__init__()
        if not 0 < noise < math.inf:
            raise InputError(
                f"model.pose_noise={noise}: radians above 0, or null to take every pose as it is regressed"
            )
        prior = PosePrior()
        mean, covariance = (torch.from_numpy(moment) for moment in prior.moments())
        gain = torch.linalg.solve(covariance + noise**2 * torch.eye(len(mean)).to(mean), covariance)  # symmetric
        # the prior's, and none of the weights
        self.register_buffer("mean", mean.float(), persistent=False)
        self.register_buffer("gain", gain.float(), persistent=False)
        self.register_buffer("joints", torch.tensor(prior.joints[1:]), persistent=False)

    def forward(self, body: BodyState) -> BodyState:
        """Return the body with a likelier pose; its raw 6D columns come out orthonormal where they were weighed."""
        with torch.autocast(device_type=body.pose_6d.device.type, enabled=False):  # bfloat16: half a degree off
            said = rotmat_to_axis_angle(rotmat_from_6d(body.pose_6d[:, self.joints])).flatten(1)
            likeliest = self.mean + (said - self.mean) @ self.gain
            weighed = rotmat_to_6d(rotmat_from_axis_angle(likeliest.unflatten(1, (-1, 3))))
        return replace(body, pose_6d=body.pose_6d.index_copy(1, self.joints, weighed.to(body.pose_6d)))
