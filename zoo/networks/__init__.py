"""What is built from layers: it knows no colors and no training."""
