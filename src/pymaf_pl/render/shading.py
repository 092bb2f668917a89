"""Vertex normals and light: smooth irradiance from spherical harmonics plus one highlight.

Nine harmonics per colour hold any distant light on a matt surface to a few per cent (Ramamoorthi and Hanrahan, 2001),
cost one small product per pixel, and add up: the light of a scene is the sum of ``directional_sh`` and ambient terms.

Frame:   camera axes: x right, y down, z forward, so the viewer is at -z.
Shapes:  B images, V vertices, F faces, P fragments (see ``fragments``).
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Light:
    """The light of each image of a batch."""

    sh: Tensor
    """(B, 9, 3) irradiance by harmonic (the order of ``sh_basis``) and colour; 1 shows the albedo as it is."""
    key_direction: Tensor
    """(B, 3) unit vector towards the lamp that makes the highlight."""
    specular: float = 0.1
    """Strength of the highlight."""
    shininess: float = 20.0
    """Blinn-Phong exponent: larger is smaller and sharper."""


def face_incidence(faces: Tensor, num_vertices: int) -> Tensor:
    """Return the faces around each vertex, (V, K) padded with F, where K is the largest number of them.

    Depends on the topology only. It turns a sum over faces into a gather, which is faster than adding in place and,
    unlike that, deterministic on CUDA.
    """
    corner_vertex = faces.reshape(-1)
    valence = torch.bincount(corner_vertex, minlength=num_vertices)
    by_vertex = corner_vertex.argsort(stable=True)
    first_of_vertex = (valence.cumsum(0) - valence).repeat_interleave(valence)
    rank = torch.arange(corner_vertex.shape[0], device=faces.device) - first_of_vertex
    incidence = torch.full((num_vertices, int(valence.max())), faces.shape[0], device=faces.device)
    incidence[corner_vertex[by_vertex], rank] = torch.div(by_vertex, 3, rounding_mode="floor")
    return incidence


def vertex_normals(vertices: Tensor, faces: Tensor, incidence: Tensor) -> Tensor:
    """Return unit outward normals (B, V, 3) of vertices (B, V, 3), averaged over faces by area.

    Outward is the side from which a face's corners run counter-clockwise. ``incidence`` is that of ``face_incidence``.
    A vertex without a face, or with flat ones only, gets zeros.
    """
    corner_a, corner_b, corner_c = (vertices.index_select(1, ids) for ids in faces.t())
    face_normals = torch.linalg.cross(corner_b - corner_a, corner_c - corner_a)
    face_normals = F.pad(face_normals, (0, 0, 0, 1))  # the padding of the incidence points at this zero
    normals = face_normals.index_select(1, incidence[:, 0])
    for neighbour in range(1, incidence.shape[1]):
        normals = normals + face_normals.index_select(1, incidence[:, neighbour])
    return F.normalize(normals, dim=-1)


def sh_basis(normals: Tensor) -> Tensor:
    """Return the 9 real spherical harmonics (..., 9) of unit normals (..., 3), up to constant factors."""
    x, y, z = normals.unbind(-1)
    return torch.stack([torch.ones_like(x), y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y], dim=-1)


def directional_sh(direction: Tensor, colour: Tensor) -> Tensor:
    """Return the irradiance (..., 9, 3) of a distant lamp: max(0, normal . direction) x colour, to second order.

    Args:
        direction: (..., 3) unit vector towards the lamp.
        colour: (..., 3) irradiance of a surface that faces it; 1 shows the albedo as it is.
    """
    x, y, z = direction.unbind(-1)
    # max(0, cos) = 1/4 + 1/2 P1(cos) + 5/16 P2(cos) + ..., with P1 and P2 expanded in the nine functions of sh_basis.
    first, second = 1 / 2, 5 / 16
    terms = [
        torch.full_like(x, 1 / 4),
        first * y,
        first * z,
        first * x,
        second * 3 * x * y,
        second * 3 * y * z,
        second / 4 * (3 * z * z - 1),
        second * 3 * x * z,
        second * 3 / 4 * (x * x - y * y),
    ]
    return torch.stack(terms, dim=-1).unsqueeze(-1) * colour.unsqueeze(-2)


def studio_light(batch: int, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> Light:
    """Return a three-quarter light for figures: a warm key from the upper left, a cool fill, a rim from behind."""
    lamps = (  # towards the lamp, colour
        ((-0.55, -0.60, -0.58), (0.80, 0.77, 0.72)),
        ((0.85, -0.05, -0.52), (0.26, 0.29, 0.34)),
        ((0.35, -0.65, 0.67), (0.30, 0.31, 0.33)),
    )
    sh = torch.zeros(9, 3, device=device, dtype=dtype)
    sh[0] = 0.24  # ambient
    for direction, colour in lamps:
        towards = F.normalize(torch.tensor(direction, device=device, dtype=dtype), dim=-1)
        sh += directional_sh(towards, torch.tensor(colour, device=device, dtype=dtype))
    key = F.normalize(torch.tensor(lamps[0][0], device=device, dtype=dtype), dim=-1)
    return Light(sh.expand(batch, 9, 3), key.expand(batch, 3), specular=0.12, shininess=24.0)


def shade(normals: Tensor, albedo: Tensor, light: Light, image: Tensor) -> Tensor:
    """Return the colour (P, 3) in [0, 1] of fragments under their image's light.

    Args:
        normals: (P, 3) in camera axes, outward; normalised here, since interpolation shortens them.
        albedo: (P, 3) in [0, 1].
        light: of each image of the batch.
        image: (P,) the image of each fragment.
    """
    normals = F.normalize(normals, dim=-1)
    irradiance = torch.einsum("pk,pkc->pc", sh_basis(normals), light.sh.index_select(0, image))
    # Halfway between the lamp and the viewer; one viewing direction for the whole picture, as from afar.
    towards_viewer = light.key_direction.new_tensor((0.0, 0.0, -1.0))
    halfway = F.normalize(light.key_direction + towards_viewer, dim=-1).index_select(0, image)
    highlight = (normals * halfway).sum(-1, keepdim=True).clamp_min(0) ** light.shininess
    return (albedo * irradiance.clamp_min(0) + light.specular * highlight).clamp(0, 1)
