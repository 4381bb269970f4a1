"""Starting Keras for the command line, without the chatter that would drown our own sentences."""

import logging
import os
import re
import sys
import tempfile
from pathlib import Path

# Notes of level "info", which TensorFlow writes before it looks at TF_CPP_MIN_LOG_LEVEL.
_CHATTER = r"I\d{4} |WARNING: All log messages before absl|To enable the following instructions"
# Errors only where there is an NVIDIA driver to call.
_NO_DRIVER = r"|.*(cuInit|Unable to register cu\w+ factory)"


def start_keras() -> None:
    """Import Keras and wake its backend; of what they write, all but the chatter comes through."""
    if "keras" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # Photos of several sizes, or several models, are no mistake of the user.
    logging.getLogger("tensorflow").addFilter(lambda note: "retracing" not in note.getMessage())
    driver = Path("/dev/nvidiactl").exists()
    chatter = re.compile(_CHATTER if driver else _CHATTER + _NO_DRIVER)
    sys.stderr.flush()
    # The frameworks' C++ parts write to the file descriptor, past sys.stderr.
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), 2)
        try:
            import keras

            keras.ops.zeros(1)
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            caught.seek(0)
            lines = caught.read().decode(errors="replace").splitlines(keepends=True)
            sys.stderr.writelines(line for line in lines if not chatter.match(line))
