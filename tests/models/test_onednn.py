"""oneDNN computes the same products as torch."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from models.onednn import use_onednn


def test_linear_layers_give_what_torch_gives_whatever_the_shape():
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Linear(24, 40), nn.GELU(), nn.Linear(40, 7, bias=False))
    rows = [torch.randn(*shape, 24) for shape in [(1,), (5,), (3, 1), (2, 6), (2, 3, 4)]]
    rows.append(torch.randn(24, 9).T)
    with torch.inference_mode():
        expected = [plain(each) for each in rows]
        use_onednn(plain)
        for each, want in zip(rows, expected, strict=True):
            torch.testing.assert_close(plain(each), want)


class Scoring(nn.Module):
    """Ends as BART does: a layer without a bias, and the bias added to all tokens' scores."""

    def __init__(self) -> None:
        super().__init__()
        self.lm_head = nn.Linear(8, 30, bias=False)
        self.register_buffer("final_logits_bias", torch.randn(1, 30))

    def get_output_embeddings(self) -> nn.Module:
        return self.lm_head

    def forward(self, hidden):
        scores = self.lm_head(hidden)
        return scores + self.final_logits_bias.to(scores.device)


def test_what_is_added_to_the_scores_is_added_once_however_often_it_is_asked_for():
    torch.manual_seed(0)
    model = Scoring()
    hidden = torch.randn(3, 1, 8)
    with torch.inference_mode():
        expected = model(hidden)
        for _ in range(2):
            use_onednn(model)
            torch.testing.assert_close(model(hidden), expected)


def test_other_precisions_are_left_alone():
    model = nn.Linear(3, 3).double()
    use_onednn(model)
    rows = torch.randn(2, 3, dtype=torch.float64)
    assert torch.equal(model(rows), nn.functional.linear(rows, model.weight, model.bias))

    scoring = Scoring().double()
    hidden = torch.randn(2, 8, dtype=torch.float64)
    expected = scoring(hidden)
    use_onednn(scoring)
    assert torch.equal(scoring(hidden), expected)


SHAPES = """
import subprocess
import sys

import pytest
import torch
from torch import nn
from models.onednn import use_onednn

def memory() -> float:  # MB
    with open("/proc/self/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:")) / 1024

model = nn.Linear(64, 64)
use_onednn(model)
with torch.inference_mode():
    for rows in range(1, 101):
        model(torch.ones(rows, 64))
    before = memory()
    for rows in range(101, 351):
        model(torch.ones(rows, 64))
print(memory() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_texts_of_every_shape_leave_no_memory_behind():
    """A process of its own, since what is kept is kept for all that a process computes."""
    done = subprocess.run(
        [sys.executable, "-c", SHAPES], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 40  # MB; half a megabyte a shape without the bound
