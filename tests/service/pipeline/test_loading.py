"""A lane with real models: what its process makes of a batch."""

from __future__ import annotations

from functools import partial

from models import Decoding, open_codec, select
from real_server import MARIAN
from service.lane import ProcessLane
from service.pipeline.loading import load_runners
from service.scheduler import Batch, Unit
from zoo.snapshots import build

LONG = Decoding(min_tokens=100, max_tokens=100)


async def test_a_row_that_nobody_waits_for_leaves_a_running_batch(tmp_path):
    """From the scheduler's ``drop`` through the process to the model's own loop."""
    selection = select(
        summarizer=str(build("t5", tmp_path)), translator=str(MARIAN), engine="transformers"
    )
    codec = open_codec(selection.summarizer)
    rows = [codec.encode(text) for text in ("Heavy rain closed two roads.", "Prices rose.")]
    units = tuple(Unit("summarizer", LONG, row, row, len(row), 100) for row in rows)
    lane = ProcessLane(partial(load_runners, selection, 1), threads=1)
    await lane.start()
    try:
        batch = Batch(units)
        running = lane.run(batch)
        lane.drop(batch, [0])
        left, stayed = (output.value for output in await running)
    finally:
        await lane.stop()
    assert stayed.output_tokens == 100
    assert left.output_tokens < 100
