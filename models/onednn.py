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
from typing import Any

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
        if type(layer) is nn.Linear and _is_plain(layer.weight) and not _is_done(layer):
            layer.forward = partial(_linear, layer.weight, layer.bias)  # pyright: ignore[reportAttributeAccessIssue]
    _fold(model)


def _fold(model: nn.Module) -> None:
    """Let the last layer add what BART and its kin add to the scores of all tokens afterwards.

    Of a large vocabulary that is as long a way through memory as the search's own.
    """
    bias: Any = getattr(model, "final_logits_bias", None)
    if not isinstance(bias, Tensor):
        return
    head: Any = model.get_output_embeddings()  # pyright: ignore[reportCallIssue]
    if _is_done(head) and head.bias is None:
        head.forward = partial(_linear, head.weight, bias.flatten())
        del model.final_logits_bias
        model.final_logits_bias = _Added()  # pyright: ignore[reportArgumentType]


class _Added:
    """In place of a tensor that has been added already."""

    def to(self, *_: object) -> _Added:
        return self

    def __radd__(self, scores: Tensor) -> Tensor:
        return scores


def _is_done(layer: nn.Module) -> bool:
    return "forward" in vars(layer)


def _is_plain(weight: Tensor) -> bool:
    return weight.dtype == torch.float32 and weight.device.type == "cpu"


def _linear(weight: Tensor, bias: Tensor | None, rows: Tensor) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(rows, weight, bias, "none", [], "")
