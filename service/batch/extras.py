"""Libraries of the extra ``batch``, loaded when a format asks for them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from service.errors import SvodkaError


class ExtraMissing(SvodkaError):
    """A library that is not installed; the message says how to get it."""

    reason = "EXTRA_MISSING"


def needed(module: str, purpose: str, extra: str = "batch") -> Any:
    """Import ``module``, or say what is to be installed for ``purpose``."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name and not module.startswith(error.name):
            raise
        raise ExtraMissing(
            f"{purpose} need {module.partition('.')[0]}; try: pip install 'svodka[{extra}]'"
        ) from error
