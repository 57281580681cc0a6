"""How long selection takes: 50 000 candidates of 256 features, 200 picks, one core.

Run `OMP_NUM_THREADS=1 python tests/benchmarks/selection_speed.py`.
"""

import time

import numpy as np
from ase import Atoms

from activecharge.committee.selection.choose import select
from activecharge.committee.selection.selection_options import SelectionOptions
from activecharge.records import Candidate, Prediction, Scored

CANDIDATES, FEATURES, PICKS, KNOWN = 50_000, 256, 200, 500


def make_pool(rng: np.random.Generator) -> list[Scored]:
    """Descriptors in clumps, as those of dynamics are; scores of broad spread."""
    clumps = 3 * rng.normal(size=(500, FEATURES))
    places = clumps[rng.integers(len(clumps), size=CANDIDATES)]
    places += rng.normal(size=places.shape)
    scores = rng.lognormal(sigma=0.5, size=CANDIDATES)
    atoms = Atoms("OH2", positions=np.eye(3))
    return [
        Scored(
            Candidate(atoms, f"{index:024x}", "clusters"),
            Prediction({}, {}, place),
            float(score),
            {"bec": float(score)},
        )
        for index, (place, score) in enumerate(zip(places, scores, strict=True))
    ]


def main() -> None:
    """Print a line a strategy."""
    rng = np.random.default_rng(0)
    pool, known = make_pool(rng), rng.normal(size=(KNOWN, FEATURES))
    for strategy in ("top", "threshold", "logdet", "farthest", "random"):
        threshold = {"bec": 1.0} if strategy == "threshold" else {}
        options = SelectionOptions(batch=PICKS, strategy=strategy, threshold=threshold)
        times = []
        for _ in range(3):
            start = time.process_time()
            chosen = select(pool, options, np.random.default_rng(1), known)
            times.append(time.process_time() - start)
        print(f"{strategy:10} {len(chosen)} chosen  {sorted(times)[1]:.2f} s", flush=True)


if __name__ == "__main__":
    main()
