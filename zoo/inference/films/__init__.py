"""Coloring films: frame by frame in the pipeline of photos, smoothed in time within each shot."""
