"""Who asks: accounts, their sessions and tokens, and what belongs to whom."""
