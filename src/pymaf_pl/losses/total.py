"""The training loss: a plain sum of terms over iterations, and the dense terms once."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from pymaf_pl.body import BodyModel
from pymaf_pl.errors import InputError
from pymaf_pl.geometry.camera import project
from pymaf_pl.geometry.rotation import rotmat_from_6d, rotmat_from_axis_angle
from pymaf_pl.losses.dense import DenseLoss
from pymaf_pl.losses.terms import DecodedBodies, Targets, Term
from pymaf_pl.types import Batch, BodyState, NetworkOutput


class FeedbackLoss(nn.Module):
    """Supervise every iteration but the mean body, all equally.

    Args:
        body: decodes estimates and labels.
        terms: name to term; names become log keys. A term of weight 0 is not computed and not logged.
        dense: auxiliary dense supervision, if any; used when the network returns dense logits.
        iteration_weights: factor per iteration, 1..T: of all terms, or by the term's name; None for all ones.
    """

    def __init__(
        self,
        body: BodyModel,
        terms: Mapping[str, Term],
        dense: DenseLoss | None = None,
        iteration_weights: Sequence[float] | Mapping[str, Sequence[float]] | None = None,
    ) -> None:
        super().__init__()
        self.body = body
        self.terms = dict(terms)
        self.dense = dense
        self.iteration_weights = iteration_weights

    def check_weights(self, weights: Mapping[str, float], where: str) -> None:
        """Make sure that weights are of terms that exist.

        Raises:
            InputError: names the term, ``where`` it stands and those that exist.
        """
        for name in weights:
            if name not in self.terms:
                raise InputError(f"{where}: there is no term '{name}'; the terms are {', '.join(self.terms)}")

    def forward(
        self, output: NetworkOutput, batch: Batch, weights: Mapping[str, float] | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the total, and its summands by name: ``keypoints_2d/iter_1``, ..., ``dense_part``.

        Args:
            output: of the network.
            batch: labels.
            weights: of terms, where they differ from their own.
        """
        scales = {name: term.weight for name, term in self.terms.items()} | dict(weights or {})
        terms = {name: self.terms[name] for name, scale in scales.items() if scale != 0}
        needs_vertices = any(term.needs_vertices for term in terms.values())
        predicted = self._decode(output.iterations[1:], needs_vertices)
        target = self._targets(batch, needs_vertices)
        parts: dict[str, Tensor] = {}
        for name, term in terms.items():
            factors = scales[name] * self._weights_of(name, predicted.betas)
            for t, value in enumerate((factors * term(predicted, target)).unbind(), start=1):
                parts[f"{name}/iter_{t}"] = value
        if self.dense is not None and output.dense is not None:
            parts |= self.dense(output.dense, target)
        return torch.stack(list(parts.values())).sum(), parts

    def _weights_of(self, name: str, like: Tensor) -> Tensor:
        """The (T,) factors of one term for (T, ...) values."""
        chosen, key = self.iteration_weights, "losses.iteration_weights"
        if isinstance(chosen, Mapping):
            chosen, key = chosen.get(name), f"{key}.{name}"
        if chosen is None:
            return like.new_ones(len(like))
        if len(chosen) != len(like):
            raise InputError(f"{key} has {len(chosen)} values for {len(like)} iterations")
        return like.new_tensor(chosen)

    def _decode(self, states: tuple[BodyState, ...], vertices: bool) -> DecodedBodies:
        """Decode all iterations in one call of the body model."""

        def per_iteration(values: Any) -> Any:
            return None if values is None else values.unflatten(0, (len(states), -1))

        state = BodyState.cat(states)
        rotmat = rotmat_from_6d(state.pose_6d.float())
        joints = self.body.joints_49(rotmat, state.betas)
        decoded = DecodedBodies(
            rotmat=rotmat,
            betas=state.betas.float(),
            weak_cam=state.weak_cam.float(),
            joints_49=joints,
            keypoints_2d=project(joints, state.weak_cam.float()),
            vertices=self.body(rotmat, state.betas).vertices if vertices else None,
        )
        return DecodedBodies(*map(per_iteration, decoded))

    @torch.no_grad()
    def _targets(self, batch: Batch, vertices: bool) -> Targets:
        rotmat = rotmat_from_axis_angle(batch["pose"])
        return Targets(
            rotmat=rotmat,
            betas=batch["betas"],
            keypoints_2d=batch["keypoints_2d"],
            keypoints_3d=batch["keypoints_3d"],
            has_pose=batch["has_pose"],
            has_betas=batch["has_betas"],
            has_keypoints_3d=batch["has_keypoints_3d"],
            vertices=self.body(rotmat, batch["betas"]).vertices if vertices else None,
        )
