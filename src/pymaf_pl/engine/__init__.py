"""Training with Lightning: the first rooms that know it.

``module``       one step, one validation, what is logged and what a checkpoint holds.
``datamodule``   sources, stages and loaders.
``curriculum``   from one stage to the next; ``step_seed`` what a step draws.
``optim``        optimisers and schedules.
``averaging``    a moving average of the weights.
``budget``       an end after so many minutes.
``csv_logger``   metrics.csv.
``run_files``    what a run leaves behind: config, run record, metrics.
``finite``, ``stopping``   ends: of a run that broke, and of one that was told to make room.
``sharding``     weights shared out over processes, and put together again.
``checkpoint_files``, ``progress_file``   how checkpoints and ``progress.json`` get to the disk.
``trackers``     wandb, TensorBoard, MLflow; ``panels`` what a run shows there beside its curves.
``clock``        how long a run has trained.
"""
