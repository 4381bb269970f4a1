"""Who asks: every photo, and all that is made of it, belongs to one person."""

from typing import Annotated

from fastapi import Depends

from zoo.serve.store import OWNER


def asking() -> str:
    """The id of the person whose request this is."""
    return OWNER


#: What a route takes to know who asks; services find nothing without it.
Person = Annotated[str, Depends(asking)]
