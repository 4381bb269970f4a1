"""Which metric agrees with people: metrics against ratings of recolored photos."""
