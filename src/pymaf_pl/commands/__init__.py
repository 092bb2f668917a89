"""The verbs of the ``pymaf`` command; the only rooms that know Hydra.

``composing``   overrides to a configuration, with an answer to typos.
``building``    a configuration to objects, and checkpoints to networks.
``train``, ``evaluate``, ``predict``, ``synth``, ``body``, ``bench``, ``view``   one verb each.
"""
