"""Training with Lightning: the first rooms that know it.

``module``       one step, one validation, what is logged and what a checkpoint holds.
``datamodule``   sources, stages and loaders.
``optim``        optimisers and schedules.
``run_files``    what a run leaves behind: config, run record, metrics.
"""
