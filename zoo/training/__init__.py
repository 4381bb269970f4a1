"""Training by gradient: tasks, stages, the trainer, checkpoints."""
