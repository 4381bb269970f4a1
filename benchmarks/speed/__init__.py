"""Timings of hot paths, models and exports."""
