"""What a lane's process does when it starts: open the models' weights.

Runs in the lane's process only; the parent never loads a weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from models import ModelRef, Selection, open_codec, open_engine
from service.lane import Dropped, Runner
from service.scheduler import Output, Spare


def load_runners(selection: Selection, threads: int) -> dict[str, Runner]:
    """Return, for each role, what computes a batch of its units: payloads in, outputs out.

    Each model has computed once by then. The first time is slow by far, and
    would mislead whoever measures how long batches take.
    """
    return {ref.role: _warm(ref, threads) for ref in (selection.summarizer, selection.translator)}


def _warm(ref: ModelRef, threads: int) -> Runner:
    codec = open_codec(ref)
    engine = open_engine(ref, threads, codec=codec)
    engine.run([codec.encode("Hello.")], ref.decoding)

    def run(payloads: Sequence[Any], profile: Any, dropped: Dropped, spare: Spare) -> list[Output]:
        values = engine.run(payloads, profile, dropped, spare)
        return [Output(value, getattr(value, "output_tokens", 0)) for value in values]

    return run
