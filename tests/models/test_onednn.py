"""oneDNN computes the same products as torch."""

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


def test_other_precisions_are_left_alone():
    model = nn.Linear(3, 3).double()
    use_onednn(model)
    rows = torch.randn(2, 3, dtype=torch.float64)
    assert torch.equal(model(rows), nn.functional.linear(rows, model.weight, model.bias))
