"""Coloring many photos."""
