"""Born effective charges in the files of VASP and CP2K, with the index order each code prints.

- VASP, OUTCAR, `BORN EFFECTIVE CHARGES (including local field effects)` of LEPSILON and LCALCEPS:
  the row is the direction of the field, so polarization comes first. The block without "local
  field effects" comes from several routines; with IBRION = 7 or 8 the row is the displacement.
  (VASP forum, topic 19680, "Order of Born effective charge tensor output".) Its order is left open.
- CP2K, PROPERTIES/LINRES/DCDR, lines `APT |`: `apt_total_dcdr(i, :, atom)` is accumulated as
  (displacement, dipole) in `qs_dcdr.F`, so displacement comes first. Confirmed with CP2K 2023.1 by
  the rotational sum rule.
- CP2K, DCDR with APT_FD: a head line `number element trace/3`, then rows `ap_tensor(n, i, :)` with
  i the axis of the field in `qs_apt_fdiff_methods.F`, so polarization comes first.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from activecharge.dataset.importing.index_order import Order
from activecharge.errors import UserError

_VASP = "BORN EFFECTIVE CHARGES"
_LOCAL_FIELDS = "including local field"
_DCDR = "APT | Write the final apt matrix per atom (Position perturbation)"
_DCDR_END = "APT | Write the total apt matrix"
_FD_HEAD = re.compile(r"\s*(\d+)\s+[A-Z][a-z]?\s+-?\d+\.\d+\s*")


@dataclass(frozen=True)
class BornFile:
    """What a file says about Born effective charges.

    Attributes
    ----------
    frames : tuple of numpy.ndarray
        One array a frame, shape (N, 3, 3), e, indices as printed.
    order : {"pol_disp", "disp_pol"} or None
        The order the code documents; None where it depends on the calculation.
    origin : str
        Code and section, for messages.
    """

    frames: tuple[np.ndarray, ...]
    order: Order | None
    origin: str


def read_born(path: Path | str) -> BornFile:
    """Read all Born effective charges of a VASP OUTCAR or a CP2K APT file or output.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    BornFile

    Raises
    ------
    UserError
        If there are none, or a tensor is cut short or not numeric.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}); give an existing OUTCAR or CP2K APT file."
        ) from error
    for read in (_read_vasp, _read_dcdr, _read_differences):
        found = read(path, lines)
        if found is not None:
            return found
    raise UserError(
        f"{path}: holds no Born effective charges; give a VASP OUTCAR of LEPSILON or LCALCEPS "
        f"({_VASP} ...) or what CP2K prints for LINRES/DCDR/PRINT/APT (APT | ...)."
    )


def _read_vasp(path: Path, lines: list[str]) -> BornFile | None:
    heads = [
        number
        for number, line in enumerate(lines)
        if line.strip().startswith(_VASP) and "excluding local field" not in line
    ]
    if not heads:
        return None
    # Earlier blocks lack contributions that the last one has ("cummulative output").
    head = lines[heads[-1]]
    start = heads[-1] + 2

    def is_atom(line: str) -> bool:
        return re.fullmatch(r"\s*ion\s+\d+(\s+[A-Z][a-z]?)?\s*", line) is not None

    tensors = _blocks(path, lines, start, is_atom, skip=1)
    documented = _LOCAL_FIELDS in head
    return BornFile((tensors,), "pol_disp" if documented else None, f"VASP, {head.strip()}")


def _read_dcdr(path: Path, lines: list[str]) -> BornFile | None:
    starts = [number + 1 for number, line in enumerate(lines) if line.strip() == _DCDR]
    if not starts:
        return None
    frames = tuple(
        # Each row starts with the words APT and |.
        _blocks(path, lines, start, lambda line: line.startswith("APT | Atom"), skip=2)
        for start in starts
    )
    if sum(line.strip() == _DCDR_END for line in lines) != len(frames):
        raise UserError(f"{path}: the atomic polar tensors are cut short; run CP2K again.")
    for tensors in frames:
        # LIST_OF_ATOMS leaves the others at zero, which no atom of a molecule has.
        tensors[~tensors.any(axis=(1, 2))] = np.nan
    return BornFile(frames, "disp_pol", "CP2K, DCDR")


def _read_differences(path: Path, lines: list[str]) -> BornFile | None:
    starts = [
        number
        for number, line in enumerate(lines)
        if (match := _FD_HEAD.fullmatch(line)) and match[1] == "1"
    ]
    if not starts:
        return None

    def is_atom(line: str) -> bool:
        return _FD_HEAD.fullmatch(line) is not None

    frames = tuple(_blocks(path, lines, start, is_atom, skip=0) for start in starts)
    return BornFile(frames, "pol_disp", "CP2K, APT_FD")


def _blocks(
    path: Path, lines: list[str], start: int, is_atom: Callable[[str], bool], skip: int
) -> np.ndarray:
    """Read consecutive atoms: a head line, then three rows of `skip` words and three numbers.

    Atoms of one frame end where no head line follows, or where the count starts anew.
    """
    tensors: list[list[list[float]]] = []
    while start < len(lines) and is_atom(lines[start]):
        number = int(re.search(r"\d+", lines[start])[0])  # type: ignore[index]
        if number != len(tensors) + 1:
            break
        rows = [line.split()[skip:] for line in lines[start + 1 : start + 4]]
        try:
            tensor = [[float(word) for word in row] for row in rows]
        except ValueError:
            tensor = []
        if [len(row) for row in tensor] != [3, 3, 3]:
            raise UserError(
                f"{path}, line {start + 1}: the tensor of atom {number} is cut short or not "
                "numeric; run the code again or mend the file."
            )
        tensors.append(tensor)
        start += 4
    if not tensors:
        raise UserError(
            f"{path}, line {start + 1}: expected the first atom's Born effective charge here; "
            "run the code again or mend the file."
        )
    return np.array(tensors)
