"""Linear layers by oneDNN, which torch carries but asks for float32 products only rarely.

Torch gives them to MKL. On AMD's processors that leaves half the width of the vector
units idle: oneDNN is twice as fast from a few rows on, in the same float32 (bench/decoding
prints what comes of it). In bfloat16 torch uses oneDNN by itself.

Code is generated for every new shape, and both torch and oneDNN keep that of the last
1,024, a megabyte each where batches are large. Texts come in all shapes, so a server would
grow by a gigabyte before that has an end. Fewer cost no time that can be measured.
"""

from __future__ import annotations

import os
from functools import partial

import torch
from torch import Tensor, nn

# Of torch's cache and of oneDNN's, read when the first product is computed.
_KEPT = "64"
os.environ.setdefault("LRU_CACHE_CAPACITY", _KEPT)
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", _KEPT)


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
