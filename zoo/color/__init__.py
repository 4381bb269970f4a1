"""Pure color mathematics: it knows nothing of files or of models."""
