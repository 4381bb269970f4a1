"""Networks of other people in PyTorch, to time ours against and to compare outputs with."""
