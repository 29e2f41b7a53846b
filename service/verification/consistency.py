"""One name, written one way in headline, summary and body.

Catches: an English name whose Russian counterparts, found by sound or by
the table of ``names``, differ between the sentences of one answer (Уиллоби here,
Виллоби there; Britain as Англия and as Британия). Misses: names whose counterpart
in one place is no name at all. Inflection is no difference.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from service.schema import FindingKind, Severity

from .fault import Fault
from .names import beginnings
from .russian_words import look_up
from .transliteration import distance, stem

_RUSSIAN = re.compile(r"(?<!\w)[А-ЯЁ][а-яё]{2,}(?!\w)")
_ENGLISH = re.compile(r"(?<![\w'’])[A-Z][a-z]{3,}")
_SAME = 0.2  # by sound: closer than for a single check, since a wrong partner costs a false alarm


def check_consistency(pairs: Sequence[tuple[str, str]]) -> list[tuple[int, Fault]]:
    """Faults of an answer's (English, Russian) sentences, each with its sentence's index.

    The way of writing that most sentences have is held to be right, the first of equals.
    """
    written: dict[str, list[tuple[int, re.Match[str]]]] = defaultdict(list)
    for i, (en, ru) in enumerate(pairs):
        names = [m for m in _RUSSIAN.finditer(ru) if look_up(m[0]).may_be_name]
        for word in dict.fromkeys(_ENGLISH.findall(en)):
            match = _counterpart(word, names)
            if match is not None:
                written[word].append((i, match))
    return [fault for word, places in written.items() for fault in _odd_ones(word, places)]


def _counterpart(word: str, names: Sequence[re.Match[str]]) -> re.Match[str] | None:
    """The name that sounds like an English one, or that the table connects with it."""
    distances = [distance(word, m[0], _SAME) for m in names]
    least = min(distances, default=1.0)
    if least <= _SAME:
        return names[distances.index(least)]
    folded = word.casefold()
    return next((m for m in names if folded.startswith(beginnings(m[0]))), None)


def _odd_ones(word: str, places: list[tuple[int, re.Match[str]]]) -> Iterator[tuple[int, Fault]]:
    forms = Counter(_form(match[0]) for _, match in places)
    usual = forms.most_common(1)[0][0]
    example = next(match[0] for _, match in places if _form(match[0]) == usual)
    for i, match in places:
        if _form(match[0]) != usual and not look_up(match[0]).lemmas & look_up(example).lemmas:
            message = f"{word} is written {example} elsewhere."
            fault = Fault(
                FindingKind.NAMES, Severity.INFO, *match.span(), f"{match[0]}, {example}", message
            )
            yield i, fault


def _form(name: str) -> str:
    return stem(name.casefold().replace("ё", "е"))
