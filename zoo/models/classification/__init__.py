"""Colorization as classification over bins of chroma."""
