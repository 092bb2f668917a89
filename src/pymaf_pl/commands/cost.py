"""What a network costs: floating-point operations, and milliseconds for one picture."""

import time
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

_PATIENCE = 2.0  # seconds spent on timing
_MOST_PASSES = 20


def network_cost(network: torch.nn.Module, image_size: int, device: torch.device | str) -> dict[str, Any]:
    """Measure one picture's way through a network as it is used after training: float32, eager, no dense head.

    Args:
        network: left on the device and in the mode in which it was.
        image_size: px.
        device: to measure on.

    Returns:
        ``flops``, a multiplication and an addition being two; ``ms_per_image``, the fastest of up to twenty passes,
        which a busy machine disturbs least; ``measured_on``.
    """
    device, home, training = torch.device(device), next(network.parameters()).device, network.training
    network.to(device).eval()
    images = torch.zeros(1, 3, image_size, image_size, device=device).contiguous(memory_format=torch.channels_last)
    try:
        with torch.inference_mode():
            best = _fastest(network, images)
        return {
            "flops": count_flops(network, images),
            "ms_per_image": 1e3 * best,
            "measured_on": torch.cuda.get_device_name(device) if device.type == "cuda" else
            f"{device.type}, {torch.get_num_threads()} thread{'s' * (torch.get_num_threads() > 1)}",
        }  # fmt: skip
    finally:
        network.to(home).train(training)


def count_flops(network: torch.nn.Module, images: torch.Tensor) -> int:
    """Count for one image, with attention spelt out: neither its fused kernels nor its fast path are counted."""
    counter = FlopCounterMode(display=False)
    with sdpa_kernel(SDPBackend.MATH), torch.enable_grad(), counter:  # the fast path is taken without gradients only
        network.forward(images[:1])
    return int(counter.get_total_flops())


def _fastest(network: torch.nn.Module, images: torch.Tensor) -> float:
    best, until = float("inf"), time.monotonic() + _PATIENCE
    for count in range(_MOST_PASSES + 1):
        start = time.perf_counter()
        network.forward(images)  # not through __call__, which torch.compile may have replaced
        if images.is_cuda:
            torch.cuda.synchronize(images.device)
        if count:  # the first one warms up
            best = min(best, time.perf_counter() - start)
            if time.monotonic() > until:
                break
    return best
