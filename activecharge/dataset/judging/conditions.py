"""Total charge and electric field of a frame, under the many names that programs give them."""

import re

import numpy as np
from ase import Atoms

from activecharge.errors import UserError

_CHARGE = {"charge", "chg", "q"}
_WHOLE = {
    *("total", "tot", "net", "overall", "system", "sys", "cell", "frame", "cluster", "molecule"),
    *("molecular", "mol", "formal", "ionic", "ion", "dft", "ref", "reference", "of", "the"),
}
_FIELD = {"field", "efield"}
_OF_FIELD = {
    *("electric", "electrical", "e", "external", "ext", "uniform", "applied", "homogeneous"),
    *("static", "dft", "ref", "reference", "vector", "strength"),
}


def net_charge(atoms: Atoms) -> tuple[str, float] | None:
    """The total charge that a frame states, with its key; None if it states none.

    Recognised are single numbers called charge, total_charge, net_charge, overall_charge,
    TotalCharge, tot-charge, qtot, q and the like. Several keys: the largest charge.
    """
    found = [
        (key, float(number[0]))
        for key, value in atoms.info.items()
        if _is_charge(key) and (number := _numbers(value)) is not None and number.size == 1
    ]
    return max(found, key=lambda item: abs(item[1]), default=None)


def may_be_charge(key: str, value: object) -> bool:
    """Whether an info entry of another name may yet be a total charge that is not zero."""
    number = _numbers(value)
    if number is None or number.size != 1 or number[0] == 0 or _is_charge(key):
        return False
    return bool({"charge", "charged", "chg", "ion", "ions", "anion", "cation"} & set(_words(key)))


def check_field(atoms: Atoms, where: str) -> None:
    """Refuse labels of a frame in an electric field, which they hold a part of."""
    for key, value in atoms.info.items():
        words = set(_words(key))
        if not (words & _FIELD and words <= _FIELD | _OF_FIELD):
            continue
        field = _numbers(value)
        if field is not None and field.size in (1, 3) and np.any(field != 0):
            raise UserError(
                f"{where}: {key} is {' '.join(f'{x:g}' for x in field)}, so that its labels are "
                "those of water in an electric field; remove the frame, or give electric_field: "
                "keep in the settings of an import to have them all the same."
            )


def _is_charge(key: str) -> bool:
    words = _words(key)
    return bool(_CHARGE & set(words)) and set(words) <= _CHARGE | _WHOLE


def _words(key: str) -> list[str]:
    """Lower-case words of a key: totalCharge, total_charge, totcharge and qtot have two each."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", str(key))
    words: list[str] = []
    for part in map(str.lower, parts):
        split = re.fullmatch(
            r"(total|tot|net|overall|system)(charge|chg|q)|(q)(total|tot|net)", part
        )
        words += [w for w in split.groups() if w] if split else [part]
    return words


def _numbers(value: object) -> np.ndarray | None:
    if isinstance(value, bool):
        return None
    try:
        numbers = np.asarray(value, dtype=float).ravel()
    except (TypeError, ValueError):
        return None
    return numbers if numbers.size and np.isfinite(numbers).all() else None
