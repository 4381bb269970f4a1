"""Films to measure on: clips made of still photos, whose cuts and motion are known, and others."""
