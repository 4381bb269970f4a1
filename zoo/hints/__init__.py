"""Hints: what somebody says of a photo's colors, and how any model's answer follows it."""
