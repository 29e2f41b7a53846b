"""A "not" that became a "yes".

Catches: a source that says not, no, never, none, without … more often than the
translation says anything negative at all. Misses: a negation put where there
was none; one lost beside a negative word that the source puts positively
("failed" → "не удалось"); negation by meaning alone ("refused", "far from").

Russian negates twice ("никогда не"), in prefixes ("невозможно") and in verbs
("перестали быть" for "are no longer"), so the count is generous on its side.
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
_NO_NEGATION = re.compile(  # in English alone, and their Russian needs none
    r"\b(?:not only|not just|not least|no doubt|if not|whether or not|or not|no matter|why not"
    r"|nothing but|no wonder|no sooner|can['’]t wait|can['’]t help|no stranger)\b",
    re.IGNORECASE,
)
_RUSSIAN = re.compile(
    r"\b(?:не|ни|нет|нету|без|нельзя|нечего|некого|негде|незачем|нигде|никуда|"
    r"ни(?:кто|кого|кому|кем|ком|что|чего|чему|чем|когда|как|какой|сколько|чья|чей)\w{0,3}"
    r"|не(?!дел|кот|кий|ск|фт|дав|мец|бес|бо|рв|вест|пал|йт|гр|сти|сут|сл)\w{3,40}"
    r"|бе[зс](?!опас|дн|ед|ум|ш)\w{3,40}|отсутств\w{1,9}|отказ\w{1,9}|перест\w{1,9}|лиш[аеи]\w{1,9}"
    r"|запре[тщ]\w{0,9}|против\w{0,9}|вряд|едва|нел\w{1,9}|отрица\w{1,9}|опроверг\w{0,9}|прекра[тщ]\w{1,9}"
    r"|избе[жг]\w{1,9}|кроме|помимо|плохо|отвер[гж]\w{1,9}|бессл\w{1,9}|больше)\b",
    re.IGNORECASE,
)


def check(pair: Pair) -> Iterator[Fault]:
    """At most one fault, without a place: what is missing is nowhere."""
    said = [match[0] for match in _ENGLISH.finditer(_NO_NEGATION.sub(" ", pair.en))]
    heard = len(_RUSSIAN.findall(pair.ru))
    if len(said) > heard:
        severity = Severity.WARNING if heard == 0 else Severity.INFO
        message = f"The source negates ({', '.join(said[:5])}), the translation does not."
        yield Fault(FindingKind.NEGATION, severity, 0, 0, ", ".join(said[:5]), message)
