"""Weights of the published code, in and out; plain dictionaries, no files.

``layout``    the published networks key by key: name, shape, type, and which of ours it is.
``reading``   their dictionary to our weights and record, checked key by key.
``writing``   our weights to their dictionary.
``report``    what became of every key.
``record``    what stands in a checkpoint of ours for such a network.
``points``    the constants that they keep as buffers: the grid, and the vertices that a ``Dmap`` picks.
``buffers``   SMPL's own buffers and placeholders in their file: left out on the way in, made anew on the way out.

The formats: PyMAF ``{"model": 441 keys}`` and SPIN ``{"model": 331 keys}``, by the attributes of their modules (PyMAF
models/pymaf_net.py, SPIN models/hmr.py).
"""

from pymaf_pl.official.layout import TITLES, Kind
from pymaf_pl.official.reading import OfficialWeights, OfficialWeightsError, read_official, recognise
from pymaf_pl.official.report import Fate, Report
from pymaf_pl.official.writing import write_official

__all__ = [
    "TITLES",
    "Fate",
    "Kind",
    "OfficialWeights",
    "OfficialWeightsError",
    "Report",
    "read_official",
    "recognise",
    "write_official",
]
