"""From photo files to batches of uint8 RGB: decoding, sets of photos, samples and the loader."""
