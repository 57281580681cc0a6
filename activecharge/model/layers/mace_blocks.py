"""The blocks of mace-torch that hold the backbone's weights.

mace switches torch's safe loading off for the whole process, so that e3nn can read its constants.
We let e3nn do that, then switch safe loading on again. Both talk on import, which would spoil
output that a program reads.
"""

import contextlib
import io
import os
import warnings

with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
    warnings.simplefilter("ignore")
    import mace  # noqa: F401  isort: skip
    import e3nn
    from e3nn import o3

    # Scripted code recompiles for each new shape, which costs more here than it saves.
    e3nn.set_optimization_defaults(jit_script_fx=False)

    from mace.modules.blocks import (
        EquivariantProductBasisBlock,
        LinearNodeEmbeddingBlock,
        RadialEmbeddingBlock,
        RealAgnosticResidualInteractionBlock,
    )

os.environ.pop("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", None)

__all__ = [
    "EquivariantProductBasisBlock",
    "LinearNodeEmbeddingBlock",
    "RadialEmbeddingBlock",
    "RealAgnosticResidualInteractionBlock",
    "o3",
]
