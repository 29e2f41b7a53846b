"""Text in, text out: the only package that knows torch, transformers and tokenizers.

    select(preset)      which two models, found on this disk      → Selection
    open_codec(ref)     text ↔ ids, no weights                     → Codec
    open_engine(ref)    ids → texts or vectors                     → Engine

``models.inventory`` lists, fetches and verifies models; ``models.extractive`` chooses a
summary's sentences by their vectors.

Importing this loads none of the big libraries; ``open_codec`` and ``open_engine``
do. It knows nothing of articles, requests or batching policy, and nothing here
reaches for the network but ``inventory.fetch``.
"""

import os

# torch's threads otherwise spin while they wait. On cores shared with anyone at all that makes
# a batch several times slower. The OpenMP runtime reads this once, when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from models.codec import Codec, open_codec
from models.decoding import Decoding, Generated
from models.engine import Engine, open_engine
from models.errors import ModelError
from models.selection import ModelRef, Selection, select

__all__ = [
    "Codec",
    "Decoding",
    "Engine",
    "Generated",
    "ModelError",
    "ModelRef",
    "Selection",
    "open_codec",
    "open_engine",
    "select",
]
