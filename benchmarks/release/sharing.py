"""Store an encoder that several shipped models have in common once.

Models that were trained on one frozen encoder have the same arrays in it, also after packing.
"""

import io
from collections import defaultdict
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from zoo.card import CARD, read_card, write_card
from zoo.files import atomic_path, sha256_of_file
from zoo.networks.encoders.base import PREFIX
from zoo.saving import SHARED, WEIGHTS, read_weights

Arrays = dict[str, np.ndarray]


def share_encoders(to: Path) -> dict[str, list[str]]:
    """Store encoders that several models in a folder have in common once, and others with theirs.

    Models that share one already are looked at anew; files that nobody needs any more are removed.

    Returns:
        The names of the models that share each file, by its sha256.
    """
    folders = sorted(card.parent for card in to.glob(f"*/{CARD}"))
    whole = {folder: read_weights(folder, read_card(folder)) for folder in folders}
    groups: dict[str, list[Path]] = defaultdict(list)
    for folder, values in whole.items():
        if encoder := _encoder_of(values):
            groups[_fingerprint(encoder)].append(folder)
    found = {}
    for group in groups.values():
        shared = _write(to / SHARED, _encoder_of(whole[group[0]])) if len(group) > 1 else None
        for folder in group:
            _replace(folder, whole[folder], shared)
        if shared is not None:
            found[shared] = [folder.name for folder in group]
    for file in (to / SHARED).glob("*.npz"):
        if file.stem not in found:
            file.unlink()
    return found


def _encoder_of(values: Arrays) -> Arrays:
    return {name: value for name, value in values.items() if _is_encoders(name)}


def _is_encoders(name: str) -> bool:
    return name.startswith(f"colorizer/{PREFIX}")


def _fingerprint(arrays: Arrays) -> str:
    digest = sha256()
    for name, value in sorted(arrays.items()):
        digest.update(f"{name} {value.dtype} {value.shape} ".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()


def _packed(arrays: Arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def _write(folder: Path, arrays: Arrays) -> str:
    content = _packed(arrays)
    digest = sha256(content).hexdigest()
    with atomic_path(folder / f"{digest}.npz") as temporary:
        temporary.write_bytes(content)
    return digest


def _replace(folder: Path, values: Arrays, shared: str | None) -> None:
    """Write a model anew, without its encoder where that is shared; its card last."""
    card = read_card(folder)
    if card.shared_sha256 == shared:
        return
    own = values if shared is None else {k: v for k, v in values.items() if not _is_encoders(k)}
    (folder / CARD).unlink()
    with atomic_path(folder / WEIGHTS) as temporary:
        temporary.write_bytes(_packed(own))
    digest = sha256_of_file(folder / WEIGHTS)
    write_card(folder, replace(card, weights_sha256=digest, shared_sha256=shared))
