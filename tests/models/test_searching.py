"""What a search makes of scores, whatever network they come from."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from models.decoding import Decoding
from models.rules import Rules
from models.searching import Beams


@given(
    rows=st.integers(1, 3),
    width=st.integers(2, 4),
    vocabulary=st.sampled_from([20, 500, 575, 576, 2_000, 2_047]),
    seed=st.integers(0, 2**16),
)
def test_beams_go_on_with_the_likeliest_of_all_tokens(rows, width, vocabulary, seed):
    """Against every continuation of every beam, sorted; the end mark is never likely."""
    random = torch.Generator().manual_seed(seed)
    end = 0
    search = Beams(
        torch.zeros(rows, 0, dtype=torch.long),
        torch.zeros(rows, dtype=torch.long),
        torch.full((rows,), 9),
        Rules(Decoding(num_beams=width), torch.tensor([end])),
        Decoding(num_beams=width),
    )
    expected = [[((), 0.0)] for _ in range(rows)]
    for _ in range(3):
        scores = torch.randn(rows * width, vocabulary, generator=random) * 3
        scores[:, end] = -1e6
        logs = scores.log_softmax(-1).view(rows, width, vocabulary)
        for row, beams in enumerate(expected):
            every = [
                ((*ids, token), total + log)
                for (ids, total), beam in zip(beams, logs[row], strict=False)
                for token, log in enumerate(beam.tolist())
            ]
            expected[row] = sorted(every, key=lambda pair: -pair[1])[:width]
        assert not search.advance(scores).any()
        found = search.outputs.view(rows, width, -1).tolist()
        assert found == [[list(ids) for ids, _ in beams] for beams in expected]
