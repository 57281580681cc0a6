"""Reading CP2K's output: each number only from a run that ended and converged.

The layout is that of CP2K 2023.1. A number that is not where it should be, or that does not
fit its column, is a failure with a sentence, never a guess.
"""

import re
from dataclasses import dataclass

import numpy as np

from activecharge.reference.failure import Mishap, ReferenceFailure
from activecharge.units import BOHR, HARTREE

DEBYE = 0.20819433
"""1 debye in e·Å."""

GIGAPASCAL = 1 / 160.21766
"""1 GPa in eV/Å³."""

ROW = r"\s+(\d+)\s+[A-Z][a-z]?\s+\d+"
"""Atom, element and kind at the start of a line of charges."""

LAYOUTS = {
    "mulliken": re.compile(rf"^{ROW}\s+(?:\S+)\s+(\S+)$", re.MULTILINE),
    "hirshfeld": re.compile(rf"^{ROW}\s+(?:\S+)\s+(?:\S+)\s+(\S+)$", re.MULTILINE),
}


@dataclass(frozen=True)
class Output:
    """The text of one finished and converged run.

    Attributes
    ----------
    job : str
        Name of the run, for sentences.
    text : str
    atom_count : int
    """

    job: str
    text: str
    atom_count: int

    def energy(self) -> np.ndarray:
        """Return the total energy in eV."""
        found = self._search(r"ENERGY\| Total FORCE_EVAL .*:\s+(\S+)$", "energy")
        return self._numbers([found[1]], "energy").reshape(()) * HARTREE

    def forces(self) -> np.ndarray:
        """Return forces in hartree/bohr, shape (N, 3)."""
        block = self._search(
            r"ATOMIC FORCES in \[a\.u\.\]\s+# Atom.*\n([\s\S]*?)\n SUM OF ATOMIC FORCES", "forces"
        )[1]
        rows = [line.split() for line in block.splitlines() if line.strip()]
        indices = [row[0] for row in rows]
        if indices != [str(i + 1) for i in range(self.atom_count)]:
            raise self._failure("the table of forces is not complete")
        return np.array([self._numbers(row[3:6], "forces", 3) for row in rows])

    def charges(self, kind: str) -> np.ndarray:
        """Return partial charges in e, shape (N,), in the order of the atoms."""
        block = self._search(
            rf"{kind} (?:population analysis|charges)\s*\n([\s\S]*?)Total charge", f"{kind} charges"
        )[1]
        rows = {int(index): value for index, value in LAYOUTS[kind].findall(block)}
        if sorted(rows) != list(range(1, self.atom_count + 1)):
            raise self._failure(f"the table of {kind} charges is not complete")
        return self._numbers([rows[i + 1] for i in range(self.atom_count)], f"{kind} charges")

    def dipole(self) -> np.ndarray:
        """Return the dipole of a cluster, or the Berry-phase polarization of a cell, in e·Å."""
        tight_binding = re.search(r"TB_DIPOLE\| Moment \[a\.u\.\](.*)", self.text)
        if tight_binding:
            return self._numbers(tight_binding[1].split(), "dipole", 3) * BOHR
        found = self._search(
            r"Dipole moment \[Debye\]\s+X=\s*(\S+)\s+Y=\s*(\S+)\s+Z=\s*(\S+)", "dipole"
        )
        return self._numbers(list(found.groups()), "dipole") * DEBYE

    def stress(self) -> np.ndarray:
        """Return the stress in eV/Å³, shape (3, 3), positive under tension."""
        block = self._search(
            r"STRESS\| Analytical stress tensor \[GPa\]\n.*\n((?: STRESS\|.*\n){3})", "stress"
        )[1]
        rows = [self._numbers(line.split()[2:], "stress", 3) for line in block.splitlines()]
        # CP2K's is positive under pressure.
        return -np.array(rows) * GIGAPASCAL

    def _search(self, pattern: str, what: str) -> re.Match[str]:
        found = re.search(pattern, self.text, re.MULTILINE | re.IGNORECASE)
        if found is None:
            raise self._failure(f"the output has no {what} where CP2K 2023.1 prints it")
        return found

    def _numbers(self, words: list[str], what: str, count: int | None = None) -> np.ndarray:
        try:
            values = np.array([float(word) for word in words])
        except ValueError:
            values = np.array([np.nan])
        if len(values) != (count or len(words)) or not np.isfinite(values).all():
            raise self._failure(f"the {what} in the output cannot be read as numbers")
        return values

    def _failure(self, what: str) -> ReferenceFailure:
        return ReferenceFailure(f"cp2k ({self.job}): {what}")


def read(job: str, text: str, atom_count: int) -> Output:
    """Check that a run ended and converged before any of its numbers is read.

    Raises
    ------
    ReferenceFailure
        If it aborted, is cut short, or did not converge.
    """
    aborted = re.search(r"\[ABORT\][\s\S]*?\\___/\s+(.*?)\s*\*\n((?: \*.*\*\n)*)", text)
    if aborted:
        raise ReferenceFailure(f"cp2k ({job}) aborted: {_sentence(aborted[1], aborted[2])}")
    if "PROGRAM ENDED AT" not in text:
        lines = text.strip().splitlines()
        last = f"its last line is: {lines[-1].strip()[:120]}" if lines else "it is empty"
        raise Mishap(f"cp2k ({job}): the output is cut short; {last}")
    converged = re.search(r"SCF run converged in|outer SCF loop converged in", text)
    if "SCF run NOT converged" in text or not converged:
        raise ReferenceFailure(f"cp2k ({job}): self-consistency is not converged")
    return Output(job, text, atom_count)


def _sentence(first: str, more: str) -> str:
    """Join the lines of an abort message, which stand beside a drawing in stars and slashes."""
    words = [first]
    for line in more.splitlines():
        said = re.sub(r"^ \*\s*(?:\||O/\||/\| \||/ \\)?\s*|\s*\*$", "", line)
        if not said or re.fullmatch(r"\S+\.F:\d+", said):
            break
        words.append(said)
    return " ".join(words)
