"""Russian text as it is set: quotation marks, dashes, blanks that hold words together.

By the customs of Russian typesetting (A. E. Milchin, L. K. Cheltsova, *Справочник издателя и
автора*): « » around a quotation and „ “ within one, full stop and comma after the closing mark;
a dash for a hyphen between blanks; no-break spaces before a dash, between a number and
what it counts, inside numbers, after initials, № and one-letter words, and before particles.

It corrects no grammar, and leaves words, digits and what has to stay verbatim as they are.
Doing it twice changes nothing more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from service.verification import kept_places

_NB = "\u00a0"
_QUOTE = re.compile(r"[\"«»“”„]")
#: What stands before a mark that opens: nothing, a blank, a bracket, a dash, another such mark.
_OPENS_AFTER = re.compile(r"(?:^|[\s(\[{—–«„/-])\Z")
_INCHES = re.compile(r"[0-9]\Z")
#: A place that is left alone: private use, one character each.
_HELD = re.compile(r"[\ue000-\uf8ff]")
_RULES: Sequence[tuple[re.Pattern[str], str]] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"(?<!\.)\.\.\.(?!\.)", "…"),
        (r"(?<=\w)([,.])([»“]+)\1?(?![\w.,…])", r"\2\1"),  # the comma after the quotation
        (r"(?<=[^\s0-9])[ \u00a0]+(?:--?|[–—])[ \u00a0]+", f"{_NB}— "),
        (r"(?<=[0-9])[ \u00a0]+(?:--?|[–—])[ \u00a0]+(?![0-9])", f"{_NB}— "),  # 5 - 3 is a sum
        (r"^(?:--?|[–—])[ \u00a0]+(?=\D)", f"—{_NB}"),
        (r"(?<=[0-9])[ \u202f\u2009](?=[0-9]{3}(?![0-9]))", _NB),
        (r"(?<=[0-9]) (?=[%‰°№€$£₽А-Яа-яёЁ])", _NB),
        (r"(?<=[№§]) ?(?=[0-9])", _NB),
        (r"\b([А-ЯЁ]\.) ?(?=[А-ЯЁ]\.)", rf"\1{_NB}"),
        (r"\b([А-ЯЁ]\.) (?=[А-ЯЁ][а-яё])", rf"\1{_NB}"),
        (r"(?<![\w-])([ВвКкСсОоУуИиАа]) (?=[^\s—])", rf"\1{_NB}"),
        (r"(?<=\w) (?=(?:же?|бы?|ли|ль)(?!\w|-))", _NB),
    )
)


def typeset(text: str, keep: Sequence[str] = ()) -> str:
    """Return a Russian sentence as it is set; what is to ``keep``, and every address and
    placeholder, stays as it is.
    """
    if _HELD.search(text):
        return text
    kept = kept_places(text, keep)
    held = [text[start:end] for start, end in kept][:6000]
    for n, (start, end) in reversed(list(enumerate(kept[:6000]))):
        text = f"{text[:start]}{chr(0xE000 + n)}{text[end:]}"
    text = _quoted(text)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return _HELD.sub(lambda match: held[ord(match[0]) - 0xE000], text)


def _quoted(text: str) -> str:
    """Set the quotation marks by what stands around them: « », and „ “ inside."""
    depth = 0
    out: list[str] = []
    at = 0
    for match in _QUOTE.finditer(text):
        out.append(text[at : match.start()])
        at = match.end()
        before = next((part[-1] for part in out[:-3:-1] if part), "")
        mark = match[0]
        if mark in "«„»”" or (mark == "“" and depth > 1):
            opens = mark in "«„"
        elif mark == '"' and not depth and _INCHES.search(before):
            out.append(mark)
            continue
        else:
            opens = _OPENS_AFTER.search(before) is not None
        if opens:
            out.append("„" if depth else "«")
            depth += 1
        else:
            depth = max(0, depth - 1)
            out.append("“" if depth else "»")
    return "".join([*out, text[at:]])
