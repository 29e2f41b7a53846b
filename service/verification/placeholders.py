"""What must come back letter by letter: addresses, handles, placeholders, ``keep``.

Catches: a URL, a host name, an e-mail address, @handle, #tag, ``{0}``,
``${name}``, ``%s``, ``<tag>`` or ``&entity;`` of the source that the
translation changed, lost or made up; a ``keep`` string that the source has and
the translation has less often (a remark only, where it is part of a longer word
of the source, "May" in "Mayor", or where the translation has it more often).
Misses: that one stands in the wrong place.

A handle or tag in other capitals is the same; Russian text may decline around
them but not inside.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

from service.schema import FindingKind, Severity

from .fault import Fault, Pair

# Each branch starts with characters of its own and repeats one bounded class, so that
# nothing is tried twice.
_PLACEHOLDER = re.compile(
    r"""
      (?P<url>(?:https?://|(?<![\w.@/])www\.)[^\s<>«»“”"{}]{1,2000})
    | (?P<email>(?<![\w.+-])[A-Za-z0-9_.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8})
    | (?P<host>(?<![\w.@/-])(?:[A-Za-z0-9-]{1,63}\.){1,8}
        (?:com|org|net|gov|edu|info|io|co\.uk|uk|eu|de|fr|ru|us|ca|au|tv)
        (?![\w@-]|\.\w)(?:/[^\s<>«»“”"{}]{0,2000})?)
    | (?P<handle>(?<![\w@#&/.])[@#](?=\d{0,50}[^\W\d])\w{1,100})
    | (?P<braces>\$?\{\{?[^\W\d]?[\w .:!-]{0,60}\}\}?|\$\([\w]{1,60}\)|%\(\w{1,60}\)[sdfr])
    | (?P<percent>(?<![\d%])%(?:\d{1,2}\$)?[sdifrx@](?!\w))
    | (?P<tag></?[A-Za-z][^<>]{0,1000}>)
    | (?P<entity>&(?:[A-Za-z]{2,12}|\#\d{1,7}|\#x[0-9A-Fa-f]{1,6});)
    """,
    re.VERBOSE,
)
_AFTER_ADDRESS = ".,;:!?)]'’…*"  # the sentence's, not the address's


def placeholders(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of everything in ``text`` that no translation may touch."""
    for match in _PLACEHOLDER.finditer(text):
        found = match[0]
        if match.lastgroup in ("url", "host"):
            found = found.rstrip(_AFTER_ADDRESS)
        yield match.start(), match.start() + len(found)


def blanked(text: str, keep: Iterable[str] = ()) -> str:
    """``text`` with blanks for all that no translation may touch; offsets stay."""
    for kept in filter(None, keep):
        text = text.replace(kept, " " * len(kept))
    letters = list(text)
    for start, end in placeholders(text):
        letters[start:end] = " " * (end - start)
    return "".join(letters)


def check(pair: Pair) -> Iterator[Fault]:
    """One fault per string that is missing, or that came from nowhere."""
    source = _counted(pair.en)
    target = _counted(pair.ru)
    for text, times in source.items():
        if pair.ru.casefold().count(text) < times and target[text] < times:
            yield _lost(text, "A placeholder, address or tag of the source is not in the answer")
    for start, end in placeholders(pair.ru):
        if pair.ru[start:end].casefold() not in pair.en.casefold():
            yield Fault(
                FindingKind.PLACEHOLDERS,
                Severity.WARNING,
                start,
                end,
                pair.ru[start:end],
                "A placeholder, address or tag that the source does not have.",
            )
    for text in filter(None, dict.fromkeys(kept.strip() for kept in pair.keep)):
        there = pair.ru.count(text)
        if there > pair.en.count(text) > 0:
            message = f"A string to be kept is there more often than in the source: {text}"
            end = pair.ru.rindex(text) + len(text)
            yield Fault(
                FindingKind.PLACEHOLDERS, Severity.INFO, end - len(text), end, text, message
            )
        if there < len(list(_whole(text).finditer(pair.en))):
            yield _lost(text, "A string to be kept is not in the answer as it was")
        elif there < pair.en.count(text):
            message = "A string to be kept is part of a longer word, which was translated"
            yield replace(_lost(text, message), severity=Severity.INFO)


def kept_places(text: str, keep: Iterable[str]) -> list[tuple[int, int]]:
    """Return (start, end) of all that has to come back verbatim, in order and apart: placeholders
    and ``keep`` strings that are no part of a longer word.
    """
    places = list(placeholders(text))
    for kept in filter(None, {kept.strip() for kept in keep}):
        places += [match.span() for match in _whole(kept).finditer(text)]
    apart: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if apart and start < apart[-1][1]:
            apart[-1] = apart[-1][0], max(end, apart[-1][1])
        else:
            apart.append((start, end))
    return apart


@lru_cache(maxsize=4096)
def _whole(kept: str) -> re.Pattern[str]:
    before = r"(?<!\w)" if _is_wordly(kept[0]) else ""
    after = r"(?!\w)" if _is_wordly(kept[-1]) else ""
    return re.compile(before + re.escape(kept) + after)


def _is_wordly(character: str) -> bool:
    return character.isalnum() or character == "_"


def _counted(text: str) -> Counter[str]:
    return Counter(text[start:end].casefold() for start, end in placeholders(text))


def _lost(text: str, message: str) -> Fault:
    return Fault(FindingKind.PLACEHOLDERS, Severity.ERROR, 0, 0, text, f"{message}: {text}")
