"""A body over time: who is who, less jitter, and files that other programs open.

Where do I find ...
    numbers for people, frame to frame          ``tracking``    Tracker
    the one-euro filter, on vectors, rotations  ``smoothing``   OneEuro, VectorFilter, RotationFilter
    one person's memory between frames          ``person``      PersonSmoother
    a motion as an .npz in AMASS's layout       ``amass``       Motion, write_amass
    meshes and animations as .glb               ``gltf``        write_mesh_glb, write_motion_glb
"""

from pymaf_pl.motion.amass import Motion, write_amass
from pymaf_pl.motion.gltf import write_mesh_glb, write_motion_glb
from pymaf_pl.motion.person import Estimate, PersonSmoother, Smoothing
from pymaf_pl.motion.smoothing import OneEuro, RotationFilter, VectorFilter
from pymaf_pl.motion.tracking import NOBODY, Tracker

__all__ = [
    "NOBODY",
    "Estimate",
    "Motion",
    "OneEuro",
    "PersonSmoother",
    "RotationFilter",
    "Smoothing",
    "Tracker",
    "VectorFilter",
    "write_amass",
    "write_mesh_glb",
    "write_motion_glb",
]
