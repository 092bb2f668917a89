"""Operations and milliseconds of a network."""

import torch
from torch import nn

from pymaf_pl.commands.cost import count_flops, network_cost


def test_a_multiplication_and_an_addition_are_two_and_one_picture_is_counted():
    conv = nn.Conv2d(3, 8, 3, padding=1)
    assert count_flops(conv, torch.zeros(4, 3, 10, 10)) == 2 * 8 * 3 * 9 * 100


def test_the_network_is_left_as_it_was():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    cost = network_cost(network, 16, "cpu")
    assert network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert cost["flops"] == 2 * 4 * 3 * 9 * 14 * 14
    assert 0 < cost["ms_per_image"] < 1000
    assert cost["measured_on"].startswith("cpu, ")
