"""A committee as what drives: only what a step needs is computed."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from ase import Atoms

from activecharge.committee.calibration.extrapolation import JUDGED, Excess, largest_excess
from activecharge.committee.committee import Committee
from activecharge.committee.disagreement import spread
from activecharge.errors import UserError
from activecharge.model.graph import Graph, build_graph, join
from activecharge.model.shared import SharedBackbone, have_one_backbone
from activecharge.model.space.kept_pairs import KeptPairs
from activecharge.properties import LATENT_CHARGES
from activecharge.records import Prediction
from activecharge.simulation.stepping.pulling import Answer, Request, Sample

Result = dict[str, torch.Tensor]


class CommitteeForces:
    """Energy and forces by members of a committee, for R replicas in one batch.

    Each step takes energy and forces of the members that drive. Born effective charges and charges
    of all members are had where a row of the table is written, stress where a barostat acts.

    Parameters
    ----------
    committee : Committee
    frames : sequence of R ase.Atoms
        Of the same atoms, all free or all periodic.
    drivers : sequence of R (int or None)
        The member that drives each replica, None for the mean of all.
    skin : float
        Å.
    everyone : bool
        Whether rows tell of all members, or of the one alone that drives.

    Attributes
    ----------
    members : tuple of int
        Whose Born effective charges are told; none where no label taught them.
    """

    def __init__(
        self,
        committee: Committee,
        frames: Sequence[Atoms],
        drivers: Sequence[int | None],
        skin: float,
        everyone: bool = True,
    ):
        self.committee, self.drivers = committee, tuple(drivers)
        self._frames = [atoms.copy() for atoms in frames]
        models = committee.members
        options = models[0].architecture.options
        self._cutoff, self._accuracy = options.cutoff, options.coulomb_accuracy
        self._pairs = [KeptPairs(skin) for _ in frames]
        shared = len(models) > 1 and have_one_backbone(models)
        self._shared = SharedBackbone(models) if shared else None
        self._coupled = options.coupling != "independent"
        alone = None if everyone or len(set(drivers)) > 1 else self.drivers[0]
        every = tuple(range(len(models))) if alone is None else (alone,)
        self.members = every if "bec" in committee.offers else ()
        self._charges = "charges" if "charges" in committee.offers else LATENT_CHARGES
        self._device, self._dtype = models[0].backbone.to_cartesian.device, models[0].dtype
        self._symbols = frames[0].get_chemical_symbols()

    def __call__(self, positions: np.ndarray, cells: np.ndarray | None, request: Request) -> Answer:
        """See `activecharge.simulation.stepping.pulling.Forces`."""
        for replica, atoms in enumerate(self._frames):
            atoms.positions = positions[replica]
            if cells is not None:
                atoms.set_cell(cells[replica])
        graphs = [
            build_graph(atoms, self.committee.elements, self._cutoff, self._accuracy, pairs)
            for atoms, pairs in zip(self._frames, self._pairs, strict=True)
        ]
        if len(set(self.drivers)) == 1:
            answer, told = self._together(graphs, request)
        else:
            answer, told = self._each(graphs, request), {}
            if request.sample and self.members:
                wanted = {m: self._sampling(request, m) for m in self.members}
                told = self._ask(join(graphs), wanted, None)
        if not request.sample:
            return answer
        return replace(answer, sample=self._sample(told, positions.shape))

    def _together(
        self, graphs: Sequence[Graph], request: Request
    ) -> tuple[Answer, dict[int, Result]]:
        """Replicas that are all driven alike, and what members say of them, in one pass of each."""
        [driver] = set(self.drivers)
        driving = range(len(self.committee.members)) if driver is None else [driver]
        wanted = {m: self._driving(request) | self._sampling(request, m) for m in driving}
        for member in self.members if request.sample else ():
            wanted.setdefault(member, self._sampling(request, member))
        told = self._ask(join(graphs), dict(sorted(wanted.items())), request.field)
        answer = self._mean([told[m] for m in driving], len(graphs), request)
        return answer, {m: said for m, said in told.items() if m in self.members}

    def _driving(self, request: Request) -> set[str]:
        """Outputs that forces need."""
        wanted = {"energy", "forces"} | ({"stress"} if request.stress else set())
        if request.field is not None:
            wanted |= {"dipole"} if self._coupled else {"bec"}
        return wanted

    def _sampling(self, request: Request, member: int) -> set[str]:
        """Outputs of a member that a row of the table needs."""
        return {"bec", "charges"} if request.sample and member in self.members else set()

    def _ask(
        self, graph: Graph, wanted: dict[int, set[str]], field: np.ndarray | None
    ) -> dict[int, Result]:
        """What members say, each asked for its own outputs."""
        graph = graph.to(self._device, self._dtype)
        pull = None
        if field is not None and self._coupled:
            vector = torch.tensor(field, dtype=self._dtype, device=self._device)
            pull = vector.expand(len(graph.counts), 3)
        if self._shared is not None and len(wanted) == len(self.committee.members):
            results = self._shared(graph, list(wanted.values()), field=pull)
            return dict(zip(wanted, results, strict=True))
        models = self.committee.members
        return {m: models[m](graph, names, field=pull) for m, names in wanted.items()}

    def _each(self, graphs: Sequence[Graph], request: Request) -> Answer:
        """Replicas that members drive, those of one member in one batch."""
        parts: list[Answer] = []
        replicas: list[int] = []
        for member in dict.fromkeys(self.drivers):
            assert member is not None
            mine = [r for r, driver in enumerate(self.drivers) if driver == member]
            graph = join([graphs[r] for r in mine])
            [said] = self._ask(graph, {member: self._driving(request)}, request.field).values()
            parts.append(self._mean([said], len(mine), request))
            replicas += mine
        return _joined(parts, np.argsort(replicas).tolist())

    def _mean(self, told: Sequence[Result], replicas: int, request: Request) -> Answer:
        """The mean of what members say of replicas."""

        def mean(name: str, *shape: int) -> np.ndarray:
            values = [_numpy(said[name]) for said in told]
            return np.mean(values, axis=0).reshape(replicas, *shape)

        forces = mean("forces", -1, 3)
        pull = polarization = None
        if request.field is not None and self._coupled:
            polarization = mean("dipole", 3)
        elif request.field is not None:
            pull = np.einsum("riab,a->rib", mean("bec", -1, 3, 3), request.field)
            forces = forces + pull
        stress = mean("stress", 3, 3) if request.stress else None
        return Answer(mean("energy"), forces, stress, polarization, pull)

    def _sample(self, told: dict[int, Result], shape: tuple[int, ...]) -> Sample:
        """What all members say of all replicas, and how far they differ."""
        values = {
            name: np.stack([_numpy(said[name]) for said in told.values()])
            for name in ("forces", "charges", "bec")
            if told and all(name in said for said in told.values())
        }
        spreads: dict[str, np.ndarray] = {}
        if len(self.committee.members) == 1:
            spreads = self._own_spreads()
        elif len(told) > 1:
            spreads = {n: spread(v, n).reshape(shape[:2]) for n, v in values.items()}
        found = [
            self._excess({name: of[r] for name, of in spreads.items()}) for r in range(shape[0])
        ]
        bec = values["bec"] if "bec" in values else np.empty((0, shape[0] * shape[1], 3, 3))
        return Sample(
            bec=bec.reshape(len(bec), *shape[:2], 3, 3),
            spreads=spreads,
            excess=np.array([np.nan if e is None else e.ratio for e in found]),
            worst=tuple("" if e is None else _words(e) for e in found),
        )

    def _own_spreads(self) -> dict[str, np.ndarray]:
        """Spreads that one network knows of itself."""
        said = self.committee.predict(self._frames, ("charges", "bec"))
        names = set.intersection(*(set(p.disagreement) for p in said))
        return {n: np.stack([p.disagreement[n] for p in said]) for n in sorted(names)}

    def _excess(self, spreads: dict[str, np.ndarray]) -> Excess | None:
        calibration = self.committee.calibration
        known = {
            name: of
            for name, of in spreads.items()
            if name in JUDGED and (name != "charges" or self._charges == "charges")
        }
        prediction = calibration.apply(Prediction({}, known, np.empty(0)), self._symbols)
        return largest_excess(calibration, prediction, self._symbols)


def check_committee(committee: Committee, forces: str | int, field: bool) -> None:
    """Refuse a committee that cannot drive what is asked for.

    Raises
    ------
    UserError
    """
    committee.require(["forces"])
    single = len(committee.members) == 1
    if isinstance(forces, int):
        committee.member(forces)  # refuses a number that there is none of
    if field and single:
        raise UserError(
            "field: one network that knows its last layers (training.uncertainty last_layer) has "
            "no members whose forces in a field could be compared; use a committee of members, or "
            "remove the field"
        )
    if field:
        committee.require(["bec"])


def _words(excess: Excess) -> str:
    """A sentence's beginning on the worst atom."""
    return str(excess).partition(";")[0]


def _joined(answers: Sequence[Answer], order: Sequence[int]) -> Answer:
    """One answer of several, its replicas then put in order."""

    def join_up(parts: Sequence[np.ndarray | None]) -> np.ndarray | None:
        known = [part for part in parts if part is not None]
        return np.concatenate(known)[order] if known else None

    energy = np.concatenate([a.energy for a in answers])[order]
    forces = np.concatenate([a.forces for a in answers])[order]
    return Answer(
        energy,
        forces,
        join_up([a.stress for a in answers]),
        join_up([a.polarization for a in answers]),
        join_up([a.pull for a in answers]),
    )


def _numpy(values: torch.Tensor) -> np.ndarray:
    return values.double().cpu().numpy()
