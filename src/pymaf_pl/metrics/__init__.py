"""What is measured, and how.

``functional``      errors per person as pure functions, metres in, millimetres out.
``segmentation``    silhouettes and body parts from label maps.
``oks``             COCO's similarity of keypoints, AP and AR.
``measuring``       what a protocol is: named, so that a number says how it was made.
``protocols``       joints and surfaces against labels.
``masks``           drawn estimates against silhouettes and part pictures.
``coco``            projected joints against COCO's annotations.
``genders``         ground truth on the body of each person's gender.
``tracks``          which rows are consecutive frames.
``per_person``      everybody's figures for every iteration of the loop, as a torchmetrics state.
``people``          the same as arrays and as a file, and their means.
``intervals``       how far chance could have moved such a mean, or the difference of two.

A new protocol of figures that exist is a file in conf/protocol. A new figure of joints or surfaces is a rule in
``protocols``; one of pictures, or of the whole set, is a :class:`pymaf_pl.metrics.measuring.Protocol` of its own.
"""
