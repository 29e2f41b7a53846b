"""Every architecture once, made when a test first asks for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import models
import random_models
from models.selection import ModelRef, named, refer
from models.sources import default_cache

ROLES = {"bart": "summarizer", "bert": "summarizer"}


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Tiny matrices: more threads only get into each other's way."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Callable[[str], Path]:
    """Return the folder of a tiny random model by its name in ``random_models``."""
    root = tmp_path_factory.mktemp("models")

    def make(name: str) -> Path:
        if not (root / name).exists():
            random_models.MAKERS[name](root / name)
        return root / name

    return make


@pytest.fixture(scope="session")
def ref(folder) -> Callable[[str], ModelRef]:
    """Return a reference to a tiny random model; in float64, where rounding decides nothing."""

    def make(name: str) -> ModelRef:
        row = named(ROLES.get(name, "translator"), str(folder(name)))
        return replace(refer(row, folder(name).parent), compute_type="float64")

    return make


@pytest.fixture(scope="session")
def starter() -> models.Selection:
    """The starter, real; its merged weights stay in the cache from one run to the next."""
    return models.select("starter", cache=Path(os.environ.get("SVODKA_CACHE") or default_cache()))
