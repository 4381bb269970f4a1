"""Models that run without the zoo: SavedModel, ONNX and LiteRT; see `zoo.export.plan.export`."""
