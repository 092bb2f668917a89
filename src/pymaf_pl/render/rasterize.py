"""Which face does each pixel see? A z-buffer in plain tensor operations, the same on CPU and CUDA.

The answer is exact: pixel centres are tested against faces in float64, and the result equals brute force, pixel by
pixel. What makes it fast is that most pairs of face and pixel are never formed: a face of a body seen in a small crop
usually slips between the pixel centres, and integer codes of its corners tell so.

The winner of a pixel is an integer minimum over (depth, face id) keys. A minimum does not depend on the order of its
operands, so the result is deterministic, is not changed by splitting the work, and ties go to the lowest face id.

Nothing here is differentiable and nothing here knows about attributes or light: see ``fragments``.

Frame:   raster px: x right, y down, pixel i has its centre at i + 0.5; z grows away from the viewer, in any unit.
Shapes:  B images, V vertices, F faces, H W picture, N triangles (image, face), K candidates (triangle, pixel).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

FACE_BITS = 20
MAX_FACES = 2**FACE_BITS
MAX_SIDE = 32767  # px; lattice codes go up to twice this and share 16 bits each

_DEPTH_LEVELS = 2.0 ** (62 - FACE_BITS)  # a key is depth << FACE_BITS | face id, and must stay below _EMPTY
_EMPTY = torch.iinfo(torch.int64).max
# Memory bounds, (CPU, CUDA). A candidate costs about 200 bytes. On a CPU larger passes are slower too, as they outgrow
# its caches and touch fresh pages; CUDA is bound by launches and takes larger bites.
_CANDIDATES_PER_PASS = (2**17, 2**22)
_LATTICE_CODES_PER_CHUNK = (2**21, 2**25)


class _Triangles(NamedTuple):
    """Triangles that may cover a pixel centre, and the box of pixel centres around each."""

    image: Tensor  # (N,)
    face: Tensor  # (N,)
    x: Tensor  # (3, N) float64, as are y and z
    y: Tensor
    z: Tensor  # 0 is the nearest vertex of the triangle's image, 1 the farthest
    left: Tensor  # (N,)
    top: Tensor  # (N,)
    columns: Tensor  # (N,)
    num_pixels: Tensor  # (N,)


@torch.no_grad()
def rasterize(screen_vertices: Tensor, faces: Tensor, height: int, width: int, *, cull: bool = False) -> Tensor:
    """Return the nearest face at every pixel centre.

    A centre on an edge belongs to the face, so neighbours leave no gap. Faces with a vertex that is not finite are not
    drawn. Temporaries are bounded, whatever the batch, the picture or the size of the faces in it.

    Args:
        screen_vertices: (B, V, 3) float32 or float64, x and y in raster px and z, larger is farther.
        faces: (F, 3) int64, shared by the batch.
        height: of the picture, px.
        width: of the picture, px.
        cull: skip faces that turn away (outward is counter-clockwise, as in SMPL). The same picture of a closed surface
            for four fifths of the work; leave it off for labels and metrics, where folded skin can turn inside out.

    Returns:
        (B, height, width) int64 face ids, -1 where there is none.

    Raises:
        ValueError: a shape or dtype is wrong, or there are more than 2^20 faces or 32767 px to a side.
    """
    _check(screen_vertices, faces, height, width)
    batch, num_faces = screen_vertices.shape[0], faces.shape[0]
    if batch * num_faces == 0:
        return torch.full((batch, height, width), -1, dtype=torch.int64, device=screen_vertices.device)
    chunk = max(1, _LATTICE_CODES_PER_CHUNK[screen_vertices.is_cuda] // num_faces)
    return torch.cat([_rasterize_chunk(part, faces, height, width, cull) for part in screen_vertices.split(chunk)])


def edge_functions(x: Sequence[Tensor], y: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Return twice the signed areas opposite the three corners, for corners relative to a point.

    Their shares of the sum are the point's barycentric coordinates.
    """
    return x[1] * y[2] - y[1] * x[2], x[2] * y[0] - y[2] * x[0], x[0] * y[1] - y[0] * x[1]


def _rasterize_chunk(screen_vertices: Tensor, faces: Tensor, height: int, width: int, cull: bool) -> Tensor:
    batch = screen_vertices.shape[0]
    triangles = _find_triangles(screen_vertices, faces, height, width, cull)
    # One slot more than there are pixels: candidates that miss their triangle go there.
    keys = torch.full((batch * height * width + 1,), _EMPTY, dtype=torch.int64, device=screen_vertices.device)
    for window in _passes(triangles.num_pixels, _CANDIDATES_PER_PASS[screen_vertices.is_cuda]):
        _draw(keys, triangles, window, height, width, cull)
    keys = keys[:-1]
    return torch.where(keys == _EMPTY, -1, keys & (MAX_FACES - 1)).view(batch, height, width)


def _find_triangles(screen_vertices: Tensor, faces: Tensor, height: int, width: int, cull: bool) -> _Triangles:
    batch = screen_vertices.shape[0]
    # Vertex-major (V, B): picking a face's corners then copies whole rows, several times faster than from (B, V).
    screen_x, screen_y, screen_z = screen_vertices.permute(2, 1, 0).contiguous()
    lost = ~(screen_x + screen_y + screen_z).isfinite()
    screen_x = screen_x.masked_fill(lost, torch.nan)
    # Depth is scaled image by image: one image's far point must not cost another its resolution.
    near = screen_z.masked_fill(lost, torch.inf).amin(0).double()
    extent = (screen_z.masked_fill(lost, -torch.inf).amax(0).double() - near).clamp_min(1e-30)

    # A face covers a pixel centre only if its corners' codes differ in x and in y. This drops what is off screen too.
    code = _lattice_code(screen_x, width) << 16 | _lattice_code(screen_y, height)
    corner_ids = faces.t().contiguous()
    code_a, code_b, code_c = (code.index_select(0, ids) for ids in corner_ids)
    differ = (code_a ^ code_b) | (code_a ^ code_c)
    pair = (((differ & 0xFFFF) != 0) & (differ >> 16 != 0)).view(-1).nonzero().squeeze(1)
    face = torch.div(pair, batch, rounding_mode="floor")
    image = pair - face * batch

    rows = corner_ids.index_select(1, face).mul_(batch).add_(image)
    x, y, z = (
        plane.reshape(-1).index_select(0, rows.view(-1)).view(3, -1).double()
        for plane in (screen_x, screen_y, screen_z)
    )
    if cull:
        front = ((x[1] - x[0]) * (y[2] - y[0]) < (y[1] - y[0]) * (x[2] - x[0])).nonzero().squeeze(1)
        x, y, z = (torch.stack(_pick(corners, front)) for corners in (x, y, z))
        image, face = image.index_select(0, front), face.index_select(0, front)
    z.sub_(near.index_select(0, image)).div_(extent.index_select(0, image))
    left, columns = _centres_inside(x, width)
    top, rows_of_box = _centres_inside(y, height)
    return _Triangles(image, face, x, y, z, left, top, columns, columns * rows_of_box)


def _lattice_code(coordinate: Tensor, size: int) -> Tensor:
    """Return 2k + 1 on pixel centre k, 2k + 2 between k and k + 1, and 0 or ``2 * size`` off the picture."""
    coordinate = coordinate - 0.5
    return (coordinate.ceil() + coordinate.floor_()).clamp_(-1, 2 * size - 1).int() + 1


def _centres_inside(corners: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Return the first pixel centre in the range of the corners (3, N), and how many there are."""
    first = (corners.amin(0) - 0.5).ceil_().clamp_(min=0)
    last = (corners.amax(0) - 0.5).floor_().clamp_(max=size - 1)
    # Corners that are not finite leave no number here, and so no pixel.
    return first.nan_to_num(0.0).long(), (last - first + 1).nan_to_num_(0.0).long()


def _pick(corners: Tensor, index: Tensor) -> list[Tensor]:
    """Pick columns of (3, N) row by row: four times faster than ``index_select`` along the last dimension."""
    return [row.index_select(0, index) for row in corners]


def _passes(num_pixels: Tensor, budget: int) -> Iterator[slice]:
    """Split the triangles so that each part holds about ``budget`` candidates; one alone may exceed it."""
    ends = num_pixels.cumsum(0)
    total = int(ends[-1]) if ends.shape[0] else 0
    limits = torch.arange(budget, max(budget, total), budget, device=ends.device)
    cuts = torch.searchsorted(ends, limits, right=True).tolist()
    for first, last in zip([0, *cuts], [*cuts, None], strict=True):
        yield slice(first, last)


def _draw(keys: Tensor, triangles: _Triangles, window: slice, height: int, width: int, cull: bool) -> None:
    """Lower ``keys`` to those of one window of triangles."""
    num_pixels = triangles.num_pixels[window]
    owner = torch.repeat_interleave(num_pixels)  # (K,) the candidate's triangle

    def spread(per_triangle: Tensor) -> Tensor:
        return per_triangle[window].index_select(0, owner)

    rank = torch.arange(owner.shape[0], device=keys.device) - (num_pixels.cumsum(0) - num_pixels).index_select(0, owner)
    columns = spread(triangles.columns)
    row = torch.div(rank, columns, rounding_mode="floor")
    column = (rank - row * columns).add_(spread(triangles.left))
    row += spread(triangles.top)
    pixel = (spread(triangles.image) * height + row) * width + column

    x, y, z = (_pick(corners[:, window], owner) for corners in (triangles.x, triangles.y, triangles.z))
    centre_x, centre_y = column.double().add_(0.5), row.double().add_(0.5)
    edges = edge_functions([corner.sub_(centre_x) for corner in x], [corner.sub_(centre_y) for corner in y])
    area = edges[0] + edges[1] + edges[2]
    inside = torch.maximum(torch.maximum(edges[0], edges[1]), edges[2]) <= 0
    if not cull:
        inside |= torch.minimum(torch.minimum(edges[0], edges[1]), edges[2]) >= 0
    inside &= area != 0
    depth = (edges[0] * z[0] + edges[1] * z[1] + edges[2] * z[2]) / area
    depth = depth.nan_to_num_(0.0).clamp_(0, 1).mul_(_DEPTH_LEVELS).long()
    candidate_keys = depth << FACE_BITS | spread(triangles.face)
    keys.scatter_reduce_(0, torch.where(inside, pixel, keys.shape[0] - 1), candidate_keys, "amin")


def _check(screen_vertices: Tensor, faces: Tensor, height: int, width: int) -> None:
    if screen_vertices.dim() != 3 or screen_vertices.shape[-1] != 3:
        raise ValueError(f"screen_vertices must be (B, V, 3), got {tuple(screen_vertices.shape)}")
    if screen_vertices.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"screen_vertices must be float32 or float64, got {screen_vertices.dtype}")
    if faces.dim() != 2 or faces.shape[-1] != 3:
        raise ValueError(f"faces must be (F, 3), got {tuple(faces.shape)}")
    if faces.dtype != torch.int64:
        raise ValueError(f"faces must be int64, got {faces.dtype}")
    if faces.shape[0] > MAX_FACES:
        raise ValueError(f"at most {MAX_FACES} faces fit a depth key, got {faces.shape[0]}")
    if not (1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE):
        raise ValueError(f"a picture has 1 to {MAX_SIDE} px to a side, got {height} x {width}")
