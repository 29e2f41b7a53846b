"""A "not" that became a "yes".

Catches: a source that says not, no, never, none, without … more often than the
translation says anything negative at all; "никогда", "ничего" without the "не"
that Russian asks for. Misses: a negation put where there was none; one lost
beside another that the source puts positively ("failed" → "не удалось");
negation by meaning alone ("refused", "far from").

The count is generous on the Russian side, which negates in prefixes and verbs
too ("невозможно"; "перестали быть" for "are no longer"). Prefixes that answer
to English ones ("unknown" → "неизвестный") are set off against each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from service.schema import FindingKind, Severity

from .fault import Fault, Pair

_ENGLISH = re.compile(
    r"\b(?:not|no(?!\.?\s?\d)|never|none|nobody|nothing|neither|nowhere|without|cannot"
    r"|[a-z]{2,8}n['’]t)\b",
    re.IGNORECASE,
)
_ENGLISH_PREFIX = re.compile(
    r"\b(?:un(?!i|der|til)|non-?|mis(?!s)|dis|in(?=dep|cap|abil|vis|corr|just|dec|ev|suf|acc|comp)"
    r"|im(?=poss|prob|prop|mor)|ir(?=reg|resp|rel)|il(?=leg|log))\w{3,40}",
    re.IGNORECASE,
)
_NO_NEGATION = re.compile(  # in English alone: their Russian may do without
    r"\b(?:not only|not just|not least|no doubt|if not|whether or not|or not|no matter|why not"
    r"|nothing but|no wonder|no sooner|can['’]t wait|can['’]t help|no stranger)\b",
    re.IGNORECASE,
)
_RUSSIAN = re.compile(
    r"\b(?:не|ни|нет|нету|без|нельзя|нечего|некого|негде|незачем|отсутств\w{1,9}|отказ\w{1,9}"
    r"|перест\w{1,9}|лиш(?:ен|и)\w{0,9}|запре[тщ]\w{0,9}|против|вряд|едва|отрица\w{1,9}"
    r"|опроверг\w{0,9}|прекра[тщ]\w{1,9}|избе[жг]\w{1,9}|отверг\w{1,9}|исключ\w{1,9})\b",
    re.IGNORECASE,
)
_RUSSIAN_PREFIX = re.compile(
    r"\b(?:не(?!дел|кот|кий|скол|фт|дав|мец|мно|бес|бо|рв|вест|пал|йт|гр|сти|сут|сл)"
    r"|бе[зс](?!опас|дн|ед|ум|ш))\w{3,40}",
    re.IGNORECASE,
)


def check(pair: Pair) -> Iterator[Fault]:
    """At most one fault, without a place: what is missing is nowhere."""
    said = [match[0] for match in _ENGLISH.finditer(_NO_NEGATION.sub(" ", pair.en))]
    if not said:
        return
    prefixes = len(_RUSSIAN_PREFIX.findall(pair.ru)) - len(_ENGLISH_PREFIX.findall(pair.en))
    heard = len(_RUSSIAN.findall(pair.ru)) + max(0, prefixes)
    if len(said) > heard:
        severity = Severity.WARNING if heard == 0 else Severity.INFO
        words = ", ".join(said[:5])
        message = f"The source negates ({words}) more often than the translation."
        yield Fault(FindingKind.NEGATION, severity, 0, 0, words, message)
