"""Random calls, sound and broken: each ends well, and the server is the same afterwards."""

import pytest

from bench.fuzz_rpc import fuzz


@pytest.mark.slow
async def test_strangers_do_not_harm_the_server(server):
    statuses, wrong = await fuzz(server.address, requests=2_000, seed=7)
    assert not wrong
    assert statuses.total() == 2_000
    assert statuses["OK"] > 100  # or it would have tested refusals alone
