"""The benchmark: every model trained on the same photos with the same budget, and compared."""
