"""The verbs of the ``pymaf`` command; the only rooms that know Hydra.

``composing``    overrides to a configuration, with an answer to typos.
``building``     a configuration to objects.
``hydra_verbs``  ``pymaf train`` and ``pymaf eval``, which run ``train`` and ``evaluate``; ``results`` publishes.
``predict``, ``data``, ``body``, ``checkpoint``, ``bench``   one verb each, with helpers of the same name.
"""
