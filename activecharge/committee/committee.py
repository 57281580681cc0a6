"""A committee of charge models: mean predictions and how sure they are."""

import operator
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
from ase import Atoms

from activecharge.committee.calibration.calibration import CALIBRATION, Calibration
from activecharge.committee.estimates import Members, Network, Source
from activecharge.committee.packed import Parts, pack, unpack
from activecharge.committee.uniform_field import UniformField
from activecharge.errors import UserError
from activecharge.formats import COMMITTEE
from activecharge.model import ARCHITECTURE, LAST_LAYER
from activecharge.model.checkpoint import load_model
from activecharge.model.graph import Graph, build_graph, join
from activecharge.model.last_layer import LastLayer
from activecharge.model.network import ChargeModel
from activecharge.model.space.kept_pairs import KeptPairs
from activecharge.model.space.pairs import find_pairs
from activecharge.model.taught import offered, why_not_offered
from activecharge.properties import LATENT_CHARGES
from activecharge.records import Prediction

ATOMS_PER_BATCH = 1024
"""Frames are joined up to this many atoms; it bounds memory and keeps CPUs busy."""


class Committee:
    """K charge models that were trained on resampled data, or one that knows its last layers.

    Parameters
    ----------
    members : sequence of ChargeModel
        At least two, of one architecture. Where they have one backbone, a pass through it
        serves all. A single one needs its `last_layer`.
    calibration : Calibration, optional
        What the spread is worth; predictions then carry expected errors.
    last_layer : LastLayer, optional
        Covariances from which the spread of charges and Born effective charges follows; other
        properties then have none.

    Attributes
    ----------
    offers : frozenset of str
        What labels have taught all members to say, see `activecharge.model.taught`.
    """

    def __init__(
        self,
        members: Sequence[ChargeModel],
        calibration: Calibration | None = None,
        last_layer: LastLayer | None = None,
    ):
        self.members = tuple(members)
        self.last_layer = last_layer
        self.calibration = calibration or Calibration()
        if last_layer is None and len(self.members) < 2:
            raise UserError(
                f"a committee needs at least two members to disagree, not {len(self.members)}; "
                "train more"
            )
        first = self.members[0].architecture
        if any(m.architecture.elements != first.elements for m in self.members):
            raise UserError("the members of a committee must know the same elements")
        if any(m.architecture.options != first.options for m in self.members):
            raise UserError("the members of a committee must share all options of the model")
        if last_layer is not None and len(self.members) > 1:
            raise UserError("last-layer uncertainties are those of one network, not of a committee")
        self._source: Source = (
            Members(self.members) if last_layer is None else Network(self.members[0], last_layer)
        )
        self.elements = first.elements
        self.cutoff, self._accuracy = first.options.cutoff, first.options.coulomb_accuracy
        self.offers = frozenset.intersection(
            *(offered(first.options, member.architecture.taught) for member in self.members)
        )

    @classmethod
    def load(cls, directory: Path | str, device: str = "cpu") -> "Committee":
        """Read a committee that training or a campaign wrote, or that was packed.

        Parameters
        ----------
        directory : path-like
            A folder with one sub-folder per member, or a campaign's run directory, whose
            latest committee is taken. A calibration beside the members comes with them. Or the
            one file that `pack` wrote.
        device : str
            torch device.

        Raises
        ------
        UserError
            If there is no committee, a newer program wrote it, or a member of it, or its
            calibration, cannot be read.
        """
        directory = Path(directory)
        if directory.is_file():
            parts = unpack(directory, device)
            try:
                return cls(parts.members, parts.calibration, parts.last_layer)
            except UserError as error:
                raise UserError(f"{directory}: {error}") from error
        for folder in (directory, directory / "committee"):
            found = sorted(path.parent for path in folder.glob(f"member-*/{ARCHITECTURE}"))
            if found:
                COMMITTEE.check(folder)
                members = [load_model(path, device) for path in found]
                file = folder / CALIBRATION
                calibration = Calibration.load(file) if file.exists() else None
                knows = (found[0] / LAST_LAYER).exists()
                last_layer = LastLayer.load(found[0], members[0]) if knows else None
                try:
                    return cls(members, calibration, last_layer)
                except UserError as error:
                    raise UserError(f"{folder}: {error}") from error
        raise UserError(
            f"{directory}: no committee here (no member-*/{ARCHITECTURE}); "
            "give a folder that `activecharge train` wrote, a run directory, or the file that "
            "`activecharge pack` wrote"
        )

    @classmethod
    def opened(
        cls, committee: "Committee | Path | str", device: str = "cpu", member: int | None = None
    ) -> "Committee":
        """A committee as it is given, or loaded; or one member of it, counting from 0."""
        whole = committee if isinstance(committee, Committee) else cls.load(committee, device)
        return whole if member is None else whole.member(member)

    def pack(self, path: Path | str) -> Path:
        """Write all of it into one file, to share; `load` opens it, and runs no code.

        The same committee gives the same bytes.

        Parameters
        ----------
        path : path-like
            Of any name; replaced if it is a file.

        Raises
        ------
        UserError
            If the path is that of something other than a file.
        """
        return pack(Parts(self.members, self.calibration, self.last_layer), path)

    def __len__(self) -> int:
        """How many members it has."""
        return len(self.members)

    def __getitem__(self, index: int) -> "Committee":
        """One member by itself, as `member`; negative numbers count from the last."""
        if not -len(self) <= (number := operator.index(index)) < len(self):
            raise IndexError(f"there is no member {index}: the committee has {len(self)}")
        return self.member(number % len(self))

    def __iter__(self) -> Iterator["Committee"]:
        """Each member by itself."""
        return (self.member(index) for index in range(len(self)))

    def member(self, index: int) -> "Committee":
        """One member by itself: predictions of a member's cost, without spreads."""
        if not 0 <= index < len(self.members):
            raise UserError(
                f"there is no member {index} (counting from 0): the committee has "
                f"{len(self.members)}"
            )
        return Committee([self.members[index]], last_layer=LastLayer({}, {}))

    def require(self, names: Collection[str]) -> None:
        """Raise UserError where one of these properties is not among those it offers."""
        for name in names:
            if name not in self.offers:
                raise UserError(self.why_not(name))

    def why_not(self, name: str) -> str:
        """Why a property is not among those it offers, in a sentence."""
        return why_not_offered(name, self.members[0].architecture.options, self.offers)

    def in_field(self, field: Sequence[float] | np.ndarray) -> UniformField:
        """A uniform field (3,) in V/Å, such as `predict` takes.

        Raises
        ------
        UserError
            If it is no such vector, or the committee was not taught Born effective charges.
        """
        uniform = UniformField(field, self.members[0].architecture.options)
        uniform.offered(self.offers)
        return uniform

    def predict(
        self,
        frames: Sequence[Atoms],
        outputs: Collection[str] | None = None,
        field: UniformField | None = None,
        kept: Sequence[KeptPairs] | None = None,
    ) -> list[Prediction]:
        """Mean and spread for each frame.

        Parameters
        ----------
        frames : sequence of ase.Atoms
            Free or fully periodic, possibly mixed.
        outputs : collection of str, optional
            Property names; by default all that apply to the frame.
        field : UniformField, optional
            In which energies, forces and stress are taken, from `in_field`.
        kept : sequence of KeptPairs, optional
            One for each frame, where the same frames come again and again, little changed.

        Returns
        -------
        list of Prediction
            In the order given. Periodic frames have no dipole, free ones no stress, and none has
            what the committee does not offer. Latent charges have a name of their own.

        Raises
        ------
        UserError
            For a frame the model cannot treat (`BrokenGeometry` where its coordinates are why);
            the message counts frames from 0.
        """
        wanted = set(self.offers if outputs is None else outputs)
        if "charges" in wanted:
            wanted.add(LATENT_CHARGES)
        wanted &= self.offers if field is None else field.offered(self.offers)
        predictions: list[Prediction] = []
        for graphs in self.chunks(frames, kept):
            predictions += self._predict_chunk(graphs, wanted, field)
        return predictions

    def chunks(
        self, frames: Sequence[Atoms], kept: Sequence[KeptPairs] | None = None
    ) -> Iterator[list[Graph]]:
        """Graphs of the frames, in portions that go through the network together."""
        chunk: list[Graph] = []
        atoms = 0
        for number, frame in enumerate(frames):
            find = find_pairs if kept is None else kept[number]
            try:
                graph = build_graph(frame, self.elements, self.cutoff, self._accuracy, find)
            except UserError as error:
                raise type(error)(f"frame {number} (counting from 0): {error}") from error
            if chunk and atoms + len(frame) > ATOMS_PER_BATCH:
                yield chunk
                chunk, atoms = [], 0
            chunk.append(graph)
            atoms += len(frame)
        if chunk:
            yield chunk

    def _predict_chunk(
        self, graphs: list[Graph], wanted: set[str], field: UniformField | None
    ) -> list[Prediction]:
        first = self.members[0]
        graph = join(graphs).to(first.backbone.to_cartesian.device, first.dtype)
        if not graph.periodic.any():
            wanted = wanted - {"stress"}
        if graph.periodic.all():
            wanted = wanted - {"dipole"}
        said = self._source(graph, wanted, field)
        species = graph.species.cpu().numpy()
        predictions = []
        for index, (start, stop) in enumerate(zip(graph.offsets, graph.offsets[1:], strict=False)):
            here = said.of_frame(index, slice(start, stop), bool(graph.periodic[index]))
            prediction = Prediction(
                mean=here.mean,
                std=here.std,
                descriptor=self._describe(here.invariants, species[start:stop]),
            )
            symbols = [self.elements[kind] for kind in species[start:stop]]
            predictions.append(self.calibration.apply(prediction, symbols))
        return predictions

    def _describe(self, invariants: np.ndarray, species: np.ndarray) -> np.ndarray:
        """Mean invariants (N, D) of each element's atoms, joined; zeros where it has none."""
        parts = [
            invariants[species == kind].mean(axis=0)
            if (species == kind).any()
            else np.zeros(invariants.shape[1])
            for kind in range(len(self.elements))
        ]
        return np.concatenate(parts)
