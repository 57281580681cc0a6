"""Let the C library keep the memory of freed tensors for the next ones."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
LARGEST_KEPT = 2**30
"""Size in bytes of blocks from which on they are given back when freed."""


def keep_freed_memory() -> None:
    """Ask glibc to reuse freed blocks of up to 1 GiB rather than give each back at once.

    By default blocks above 32 MiB come fresh from the kernel, which clears every page: on frames
    of thousands of atoms that is half of the time. Other C libraries are left as they are.
    """
    if not sys.platform.startswith("linux"):
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "gnu_get_libc_version"):
        library.mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT)
        library.mallopt(M_TRIM_THRESHOLD, 2 * LARGEST_KEPT - 1)
