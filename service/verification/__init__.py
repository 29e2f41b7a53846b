"""Can the answer be trusted? Checks of a text against the one it was made from.

Each check is a small module that says what it catches and what it misses, and
each is one row of a table here; nothing else knows which checks there are.
They are pure functions on strings, quick enough to run on every sentence, and
need no model. They see form, not meaning: they find the typical faults of
neural summarizers and translators, and prove no text right.

    faults = check_sentence("Sales fell 5%.", "Продажи упали на 6 %.")
    findings = [fault.finding("summary_ru", sentence_index=0) for fault in faults]
"""

from __future__ import annotations

from collections.abc import Iterable

from service.schema import GlossaryEntry

from . import (
    glossary,
    headline,
    length,
    measures,
    names,
    negation,
    numbers,
    placeholders,
    quotes,
    repetition,
    script,
    truncation,
    weekdays,
)
from .consistency import check_consistency
from .coverage import check_coverage
from .evidence import evidence
from .fault import Check, Fault, Pair, cost, doubtful, is_lost, worse
from .glossary import glossary_terms
from .inflection import fitting, in_place_of
from .placeholders import kept_places
from .summary import check_summary

__all__ = [
    "CHECKS",
    "Fault",
    "Pair",
    "check_consistency",
    "check_coverage",
    "check_sentence",
    "check_summary",
    "cost",
    "doubtful",
    "evidence",
    "fitting",
    "glossary_terms",
    "in_place_of",
    "is_lost",
    "kept_places",
    "worse",
]

#: Every check of a translated sentence, in the order in which faults are told.
CHECKS: tuple[Check, ...] = (
    repetition.check,
    truncation.check,
    length.check,
    script.check,
    placeholders.check,
    numbers.check,
    weekdays.check,
    measures.check,
    names.check,
    negation.check,
    quotes.check,
    glossary.check,
    headline.check,
)


def check_sentence(
    en: str,
    ru: str,
    *,
    keep: Iterable[str] = (),
    glossary: Iterable[GlossaryEntry] = (),
    truncated: bool = False,
    headline: bool = False,
) -> list[Fault]:
    """What is wrong with ``ru`` as the translation of ``en``; offsets lie in ``ru``.

    ``truncated`` says that the model stopped at its length bound. A ``headline``
    need not end like a sentence.
    """
    pair = Pair(en, ru, tuple(keep), tuple(glossary), truncated, headline)
    return [fault for check in CHECKS for fault in check(pair)]
