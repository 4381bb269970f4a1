"""From photo files to batches of uint8 RGB: decoding, sets, samples, loader, degradations."""
