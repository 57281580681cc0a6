"""What to say, and leave behind, while labels are missing that others make."""

from collections.abc import Sequence

from activecharge.errors import OutputsMissing
from activecharge.files import write_text
from activecharge.records import Missing
from activecharge.reference.codes.folder import OUTPUT, TODO, FolderOptions
from activecharge.reference.reference_options import ReferenceOptions


def outputs_missing(reference: ReferenceOptions, missing: Sequence[Missing]) -> OutputsMissing:
    """List what is missing in the folder's `todo.txt`; returns the sentence.

    Parameters
    ----------
    reference : FolderOptions
    missing : sequence of Missing
        At least one.
    """
    assert isinstance(reference, FolderOptions)
    names = sorted(item.candidate.hash for item in missing)
    write_text(reference.path / TODO, "".join(f"{name}\n" for name in names))
    # An output that is there but cannot be read is what people would not find by themselves.
    odd = [item for item in missing if item.reason != f"there is no {OUTPUT}"]
    note = f"; {odd[0].candidate.hash}: {odd[0].reason}" if odd else ""
    return OutputsMissing(
        f"{len(names)} outputs are missing in {reference.path}, those listed in {TODO}{note}; "
        "fill them in and give the same command again"
    )
