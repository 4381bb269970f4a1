"""Films: clips made of still photos, whose cuts and motion are known, and what is tuned on them."""
