"""What is measured, and how.

``functional``      errors per person as pure functions, metres in, millimetres out.
``per_iteration``   their means for every iteration of the loop, as a torchmetrics state.
``protocols``       which figures on which joints: named, so that a number says how it was made.
"""
