"""The verbs of the ``pymaf`` command; the only rooms that know Hydra.

``composing``    overrides to a configuration, with an answer to typos.
``building``     a configuration to objects.
``hydra_verbs``  ``pymaf train`` and ``pymaf eval``, which run ``train`` and ``evaluate``; ``results`` publishes.
``sweep``        ``pymaf train -m``: ``sweep_plan`` its jobs, ``checking`` them, ``sweep_ledger`` what became of them,
                 ``sweep_drive`` keeps a launcher busy; ``launch`` on this machine, ``launch_slurm`` on a cluster.
``search``       ``pymaf search``, whose jobs Optuna draws.
``predict``, ``data``, ``body``, ``checkpoint``, ``bench``   one verb each, with helpers of the same name.
"""
