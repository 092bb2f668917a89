"""Optimisation instead of regression: a body fitted to 2D keypoints.

``smplify``   SMPLify's energy, batched; what SPIN runs in its loop to make labels.
"""

from pymaf_pl.fitting.smplify import FitResult, SMPLify

__all__ = ["FitResult", "SMPLify"]
