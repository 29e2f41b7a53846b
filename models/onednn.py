"""Linear layers by oneDNN, which torch carries but asks for float32 products only rarely.

Torch gives them to MKL. On AMD's processors that leaves half the width of the vector
units idle: oneDNN is twice as fast from a few rows on, in the same float32 (bench/decoding
prints what comes of it). In bfloat16 torch uses oneDNN by itself.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn


def use_onednn(model: nn.Module) -> None:
    """Let a network on the CPU compute its float32 linear layers by oneDNN."""
    if not torch.backends.mkldnn.is_available():
        return
    for layer in model.modules():
        if type(layer) is nn.Linear and _is_plain(layer.weight):
            layer.forward = partial(_linear, layer)  # pyright: ignore[reportAttributeAccessIssue]


def _is_plain(weight: Tensor) -> bool:
    return weight.dtype == torch.float32 and weight.device.type == "cpu"


def _linear(layer: nn.Linear, rows: Tensor) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(rows, layer.weight, layer.bias, "none", [], "")
