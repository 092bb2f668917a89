"""The body estimate that travels through the loop."""

import pytest
import torch

from pymaf_pl.types import BodyState, NetworkOutput


@pytest.fixture
def state() -> BodyState:
    return BodyState.from_vector(torch.arange(2 * 157.0).view(2, 157))


def test_vector_is_pose_then_shape_then_camera_as_in_spin(state: BodyState) -> None:
    assert state.pose_6d.shape == (2, 24, 6)
    assert state.pose_6d[1].flatten().tolist() == list(range(157, 157 + 144))
    assert state.betas[0].tolist() == list(range(144, 154))
    assert state.weak_cam[0].tolist() == [154, 155, 156]
    assert state.vector().equal(torch.arange(2 * 157.0).view(2, 157))


def test_a_vector_of_another_length_is_refused() -> None:
    with pytest.raises(RuntimeError):
        BodyState.from_vector(torch.zeros(2, 156))


def test_rows_select_the_same_people_in_every_field(state: BodyState) -> None:
    assert len(state) == 2
    assert state[1:].vector().equal(state.vector()[1:])
    assert state[torch.tensor([False, True])].vector().equal(state.vector()[1:])


def test_cat_stacks_people_in_order(state: BodyState) -> None:
    both = BodyState.cat([state[1:], state])
    assert len(both) == 3
    assert both.vector().equal(state.vector()[[1, 0, 1]])


def test_detach_cuts_all_three_fields() -> None:
    attached = BodyState.from_vector(torch.zeros(1, 157, requires_grad=True) * 1)
    assert attached.pose_6d.requires_grad
    assert attached.betas.requires_grad
    assert attached.weak_cam.requires_grad
    cut = attached.detach()
    assert not cut.vector().requires_grad


def test_final_is_the_last_iteration(state: BodyState) -> None:
    assert NetworkOutput((state[:1], state)).final is not state[:1]
    assert len(NetworkOutput((state[:1], state)).final) == 2
