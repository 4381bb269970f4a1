"""Take the paths of a machine out of what is shown or passed on."""

import re
import shlex
from typing import Any

#: What stands in commands for a folder or file of the machine.
PLACE = "DIR"

#: An absolute path: no word, address, tag or bracket stands in front of it.
_ABSOLUTE = re.compile(r"(?<![\w.~/<)\]-])(?:/[\w.~+@%-]+)+/?")
#: The same in quotes, where it may hold spaces.
_QUOTED = re.compile(r"""(["'])(/[^"'\n]+)\1""")
#: What stands around the paths within an argument, as in "classifier=hub:/net,labels=/labels.txt".
_SEPARATORS = re.compile(r"([=,:])")


def without_paths(text: str) -> str:
    """Leave of each absolute path its last part.

    Examples:
        >>> without_paths("Cannot read /home/me/photos/a.png: it is damaged.")
        'Cannot read …/a.png: it is damaged.'
        >>> without_paths("https://arxiv.org/abs/1603.08511, photos/s")
        'https://arxiv.org/abs/1603.08511, photos/s'
    """
    quoted = _QUOTED.sub(lambda found: f"{found[1]}{_last_part(found[2])}{found[1]}", text)
    return _ABSOLUTE.sub(lambda found: _last_part(found[0]), quoted)


def portable_command(command: str) -> str:
    """Write `PLACE` for each absolute path among a shell command's arguments.

    Examples:
        >>> portable_command("run_all.py --photos '/home/me/my photos' --models gray,/runs/a")
        'run_all.py --photos DIR --models gray,DIR'
    """
    return shlex.join(
        "".join(PLACE if part.startswith("/") else part for part in _SEPARATORS.split(argument))
        for argument in shlex.split(command)
    )


def portable(content: Any) -> Any:
    """Apply `without_paths` to every string of plain JSON, however deep; names stay as they are."""
    if isinstance(content, str):
        return without_paths(content)
    if isinstance(content, dict):
        return {name: portable(value) for name, value in content.items()}
    if isinstance(content, list):
        return [portable(value) for value in content]
    return content


def _last_part(path: str) -> str:
    return f"…/{path.rstrip('/').rpartition('/')[2]}"
