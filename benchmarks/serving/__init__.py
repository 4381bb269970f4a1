"""A server as a process of its own, and what clients do with it: load, ends without warning."""
