"""Colors of a reference: a photo in color that says how another one is to be colored."""
