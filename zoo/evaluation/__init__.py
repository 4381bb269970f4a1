"""Scores of models on photos: reports, calibration, checkpoints."""
