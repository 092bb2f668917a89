"""What is measured, and how.

``functional``      errors per person as pure functions, metres in, millimetres out.
``protocols``       which figures on which joints: named, so that a number says how it was made.
``per_person``      everybody's figures for every iteration of the loop, as a torchmetrics state.
``people``          the same as arrays and as a file, and their means.
``intervals``       how far chance could have moved such a mean, or the difference of two.
"""
