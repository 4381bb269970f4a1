"""Ids of what is kept, and of whom it belongs to."""

import secrets

#: The one person that there is on a server without accounts.
OWNER = "local"


def new_id() -> str:
    """128 random bits, as 32 hexadecimal digits: nobody guesses another's photo."""
    return secrets.token_hex(16)
