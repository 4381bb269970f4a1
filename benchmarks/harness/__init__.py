"""Cells, runs and stored results."""
