"""The command `zoo`: `commands.py` has the commands, the other files what they share."""

from zoo.cli.commands import main

__all__ = ["main"]
