"""Memory given back to the system in the quiet between calls.

Work leaves two things behind that nobody holds: objects that refer to each other in a circle,
such as an error and the call it ended, until Python's collector comes by, which it does the
less often the more there is to look at; and in the C library's heap, which many threads of gRPC
share, free pieces between pieces in use. Neither grows without end, but a server that had its
busiest hour yesterday would still hold that hour's memory. Looking through all of it takes
some milliseconds, so it is done when nobody waits.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc

from service.rpc.calls import Calls

QUIET = 1.0  # seconds without a call, after which there is time


async def tidy(calls: Calls) -> None:
    """Tidy up once after the last call of each busy time; until cancelled."""
    seen = tidied = calls.come
    while True:
        await asyncio.sleep(QUIET)
        if not calls.inside and seen == calls.come != tidied:
            gc.collect()
            trim()
            tidied = calls.come
        seen = calls.come


def trim() -> None:
    """Give back the free pages of the C library's heap; glibc alone knows how."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):  # another C library: it has its own ways
        return
