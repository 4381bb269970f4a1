"""Models whose networks listen to what people say of a photo."""
