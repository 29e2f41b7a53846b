"""Lets transformers read sentencepiece's files whatever protobuf is installed.

Pegasus, mBART-50 and mT5 have no other tokenizer on the hub than such a file, and
transformers parses it with the protobuf module inside the sentencepiece package. That
module refuses a protobuf older than the one it was generated with (sentencepiece
0.2.3: 7.36), which grpcio-tools may hold back. transformers has the same module for
older ones; it only does not think of it where sentencepiece is installed.
"""

from __future__ import annotations

import sys

_MODULE = "sentencepiece.sentencepiece_model_pb2"


def make_readable() -> None:
    """Put transformers' module in the place of sentencepiece's if that one cannot be imported."""
    if _MODULE in sys.modules:
        return
    try:
        from sentencepiece import sentencepiece_model_pb2  # noqa: F401
    except Exception:  # protobuf's VersionError, which older protobufs do not have
        from transformers.utils import sentencepiece_model_pb2_new

        sys.modules[_MODULE] = sentencepiece_model_pb2_new
