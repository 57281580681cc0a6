"""Which file holds the Born effective charges of frames, and whether it is of the same frames."""

from pathlib import Path

from ase import Atoms

from activecharge.dataset.importing.born_files import BornFile, read_born
from activecharge.dataset.importing.import_options import ImportOptions
from activecharge.errors import UserError

_OUTCAR = "OUTCAR"


def born_beside(
    path: Path, options: ImportOptions, frames: list[tuple[str, Atoms]], has_key: bool
) -> BornFile | None:
    """Born effective charges beside the frames, or in the OUTCAR that the frames are from.

    Parameters
    ----------
    path : pathlib.Path
        The frames' file.
    options : ImportOptions
    frames : list of (str, ase.Atoms)
    has_key : bool
        Whether the frames hold some themselves.

    Returns
    -------
    BornFile or None
        None if there are none.

    Raises
    ------
    UserError
        If there are two sources, or the file belongs to other frames.
    """
    source = _source(path, options)
    if source is None:
        return None
    if has_key:
        raise UserError(
            f"{path}: holds Born effective charges, and {source} holds others; give only one."
        )
    born = read_born(source)
    _check_same(path, frames, source, born)
    return born


def _source(path: Path, options: ImportOptions) -> Path | None:
    """The file to read, if there is one."""
    if options.bec_file is not None:
        return Path(options.bec_file)
    if _OUTCAR in path.name or options.format == "vasp-out":
        with path.open(encoding="utf-8", errors="replace") as stream:
            if any("BORN EFFECTIVE CHARGES" in line for line in stream):
                return path
    return None


def _check_same(path: Path, frames: list[tuple[str, Atoms]], source: Path, born: BornFile) -> None:
    """Refuse a file that is not of the same frames."""
    if len(born.frames) != len(frames):
        raise UserError(
            f"{source}: holds Born effective charges of {len(born.frames)} frame(s), but {path} "
            f"holds {len(frames)}; give the file of a single-point calculation, or one tensor "
            "block a frame."
        )
    for (where, atoms), tensors in zip(frames, born.frames, strict=True):
        if len(tensors) != len(atoms):
            raise UserError(
                f"{where}: has {len(atoms)} atoms, but {source} has Born effective charges of "
                f"{len(tensors)}; give the files of one calculation."
            )
