"""Rotations, cameras and crops.

``rotation``  6D, axis-angle and matrix, in the column convention of HMR, SPIN and PyMAF.
``camera``    weak perspective, its translation, projection, crop camera to full image; owner of 5000 and 224.
``crop``      a box to the affine map that crops it, for images and points alike.

Frames: *body* (metres, y up, at rest), *camera* (metres, x right, y down, z forward), *crop NDC* ([-1, 1], x right,
y down), *crop px* and *image px* (continuous: the top-left corner is (0, 0), pixel i has its centre at i + 0.5).
"""
