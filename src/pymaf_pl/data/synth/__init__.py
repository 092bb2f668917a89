"""Two synthetic worlds with exact labels, made in minutes on a CPU, with nothing to register for.

``studio``  a few known people in one room seen by four fixed cameras, every row with 3D labels: Human3.6M's role.
``wild``    somebody new somewhere new in every picture, half of the rows with 2D labels only: the role of LSP and COCO.

Where do I find ...
    make a data set                    ``generate``        generate_world, ``recipe``
    switch an effect off               ``options``         WorldOptions
    how they hold themselves           ``limber``, ``pymaf_pl.body.pose_prior``
    who is in the picture              ``people``, ``wardrobe``, ``anatomy``
    where, in which light              ``stage``, ``studio``, ``indoors``, ``landscape``, ``lighting``, ``room``
    camera, window, labels             ``camera``, ``chunk``, ``labels``
    occluders, blur, noise             ``effects``
"""

from pymaf_pl.data.synth.generate import generate_world
from pymaf_pl.data.synth.options import World, WorldOptions, default_options

__all__ = ["World", "WorldOptions", "default_options", "generate_world"]
