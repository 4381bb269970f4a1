"""Keeping TensorFlow's C++ code from filling the terminal while it is imported."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_imports() -> Iterator[None]:
    """Silence the standard error stream of C++ code inside the block, and its later warnings.

    Some of TensorFlow's first lines ignore its own setting; they go to a file that is thrown away.
    Exceptions are Python's and are seen as ever.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as discarded:
        os.dup2(discarded.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
