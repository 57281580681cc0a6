"""A dataset as files that other programs read."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from activecharge.dataset.extxyz import write_labels
from activecharge.dataset.manifest import manifest
from activecharge.dataset.reading.text_lines import PACKERS
from activecharge.errors import UserError
from activecharge.files import write_json
from activecharge.records import Label


def export(
    labels: Sequence[Label],
    extras: Sequence[Mapping[str, object]],
    out_path: Path | str,
    splits: Mapping[str, Sequence[int]],
) -> list[tuple[Path, str]]:
    """Write all frames, each split by itself, and a manifest.

    For `data.xyz`: `data.xyz` with `split` in each frame's info, `data.train.xyz` and so on
    for every split with frames, and last `data.manifest.json`. `data.xyz.gz` gives
    `data.train.xyz.gz`.

    Parameters
    ----------
    labels : sequence of Label
    extras : sequence of mapping
        Further info entries, one mapping a label.
    out_path : path-like
        Where all frames go.
    splits : mapping of str to sequence of int
        Indices into `labels`; every label in exactly one split.

    Returns
    -------
    list of (pathlib.Path, str)
        Each file with one line on what it is.
    """
    out_path = Path(out_path)
    _check(labels, splits, out_path)
    stem, end = _stem_and_end(out_path.name)
    side = {i: name for name, indices in splits.items() for i in indices}
    infos = [{**extra, "split": side[i]} for i, extra in enumerate(extras)]
    write_labels(out_path, labels, infos)
    meaning = f"all {len(labels)} labelled frames, their split in each frame's info"
    written = [(out_path, meaning)]
    for name, indices in splits.items():
        path = out_path.with_name(f"{stem}.{name}{end}")
        if not indices:
            # What an earlier export left there would pass for a part of this one.
            path.unlink(missing_ok=True)
            continue
        write_labels(path, [labels[i] for i in indices], [infos[i] for i in indices])
        written.append((path, f"the {len(indices)} frames of the split {name!r}"))
    description = manifest([path for path, _ in written], labels, splits)
    path = write_json(out_path.with_name(f"{stem}.manifest.json"), description)
    return [*written, (path, "checksums, counts, units, index order and package versions")]


def _check(labels: Sequence[Label], splits: Mapping[str, Sequence[int]], path: Path) -> None:
    if not labels:
        raise UserError(f"{path}: there are no labels to export yet; run the campaign first.")
    if sorted(i for indices in splits.values() for i in indices) != list(range(len(labels))):
        raise ValueError("every label must be in exactly one split")


def _stem_and_end(name: str) -> tuple[str, str]:
    """`data.xyz.gz` as `data` and `.xyz.gz`."""
    path = Path(name)
    packed = path.suffix if path.suffix.lower() in PACKERS else ""
    inner = Path(name.removesuffix(packed))
    return inner.stem, inner.suffix + packed
