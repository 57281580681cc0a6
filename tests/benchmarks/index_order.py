"""When does a fitted polarization tell the index order of Born effective charges in bulk?

    python tests/benchmarks/index_order.py [boxes.xyz]

labels boxes of four molecules at 0.9 g/cm³ with GFN2-xTB (half a minute each, kept in the file),
and fits them stored in either order. The table is in docs/import.md.
"""

import sys
import time
from pathlib import Path

import numpy as np

from activecharge.campaign.standalone.order_trial import fit_orders
from activecharge.dataset.extxyz import read_labels, write_labels
from activecharge.dataset.identity import content_hash
from activecharge.dataset.importing.index_order import Tensors
from activecharge.records import Candidate, Label
from activecharge.reference.tight_binding import tight_binding_bec
from activecharge.sampling.builders.liquid import build_boxes
from activecharge.sampling.source_options import BoxesOptions

COUNT = 24


def boxes(path: Path) -> list[Label]:
    """Labelled boxes, from the file or made now."""
    if path.exists():
        return read_labels(path)
    options = BoxesOptions(count=COUNT, molecules=(4, 4), density=0.9)
    found = []
    for atoms in build_boxes(options, np.random.default_rng(0)):
        bec = tight_binding_bec(atoms)
        if bec is not None:
            candidate = Candidate(atoms, content_hash(atoms), "boxes")
            found.append(Label(candidate, {"bec": bec}, "tblite", {}))
    write_labels(path, found)
    return found


def main() -> None:
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "index_order_boxes.xyz")
    frames = [Tensors(label.candidate.atoms, label.values["bec"]) for label in boxes(path)]
    turned = [Tensors(frame.atoms, frame.bec.swapaxes(1, 2)) for frame in frames]
    for count in (6, 12, len(frames)):
        for name, given in (("pol_disp", frames), ("disp_pol", turned)):
            start = time.process_time()
            evidence = fit_orders(given[:count])
            seconds = time.process_time() - start
            assert evidence is not None
            print(f"stored as {name}: {evidence.order} ({seconds:.0f} s of one core)\n  {evidence}")


if __name__ == "__main__":
    main()
