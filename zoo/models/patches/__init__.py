"""Patch classifiers: a pixel's color from the lightness around it."""
