"""Memory that is free goes back to the system."""

from __future__ import annotations

import ctypes

import psutil
import pytest

from nitro import heap


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="this C library has no malloc_trim")
def test_what_was_freed_between_pieces_in_use_is_given_back() -> None:
    """A hundred megabytes in small pieces, of which every thousandth stays."""
    process = psutil.Process()
    pieces = [bytes(2000) for _ in range(50_000)]
    kept = pieces[::1000]
    del pieces
    before = process.memory_info().rss
    heap.give_back()
    assert before - process.memory_info().rss > 50_000_000
    assert len(kept) == 50


def test_a_process_with_such_a_thread_ends() -> None:
    tidier = heap.Tidier()
    tidier.start()
    tidier.stop()
    tidier.join(10)
    assert not tidier.is_alive()
