"""A Russian term in the form that its place in a sentence asks for.

The case comes from what stands before: a preposition, an adjective to agree with, a noun or a
transitive verb that governs; or from the words whose place the term takes. The term's
own forms come from the dictionary of ``russian_words``.

It knows the government of prepositions and no more of syntax: where nothing tells, the term
stays in its dictionary form. Words the dictionary does not know, and Latin ones, are
not inflected.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .russian_words import parses

#: Case (as the dictionary calls it) and the prepositions that ask for it, the usual one first.
_GOVERNMENT = """
    gent без безо для до из изо от ото у около после против среди из-за из-под вокруг кроме ради
    datv к ко по благодаря согласно вопреки
    accs через сквозь про
    ablt с со над надо перед передо между под за
    loct в во на о об обо при
"""
_CASE_OF = {
    preposition: row.split()[0]
    for row in _GOVERNMENT.strip().splitlines()
    for preposition in row.split()[1:]
}
#: What else these ask for.
_ALSO = {
    **dict.fromkeys(("в", "во", "на", "под", "за", "о", "об", "обо", "по"), ("accs",)),
    **dict.fromkeys(("с", "со"), ("gent", "accs")),
}
_CASES = frozenset({"nomn", "gent", "datv", "accs", "ablt", "loct"})
_LAST_WORD = re.compile(r"([А-Яа-яЁё]+(?:-[А-Яа-яЁё]+)*)[ \u00a0]\Z")
_WORD = re.compile(r"[А-Яа-яЁё]+(?:-[А-Яа-яЁё]+)*")


def fitting(term: str, before: str, *, plural: bool = False) -> str:
    """Return ``term`` as it fits after the text ``before``, in the plural if asked."""
    case = _governed(before)
    return inflected(term, case, plural=plural) if case != "nomn" or plural else term


def in_place_of(words: str, term: str, before: str, *, plural: bool = False) -> str:
    """Return ``term`` in the case of the ``words`` it replaces, which stand after ``before``."""
    allowed = _cases_after(before)
    cases: list[str] = [
        parse.tag.case
        for kinds in (("NOUN", "NPRO"), ("ADJF", "PRTF"))  # the head first
        for word in _WORD.findall(words)[:4]
        for parse in parses(word)
        if parse.tag.POS in kinds and parse.tag.case in _CASES
    ]
    agreeing = [case for case in cases if not allowed or case in allowed]
    if not agreeing:
        return fitting(term, before, plural=plural)
    return inflected(term, agreeing[0], plural=plural)


def inflected(term: str, case: str, *, plural: bool = False) -> str:
    """Return ``term``, given in its dictionary form, in a case.

    The words up to the first noun in the nominative agree; what follows it stays.
    """
    words = list(_WORD.finditer(term))
    if any(word[0].isupper() and len(word[0]) > 1 for word in words[:1]):
        return term  # an acronym
    nouns = (
        (i, parse)
        for i, word in enumerate(words)
        for parse in parses(word[0])
        if parse.tag.POS == "NOUN" and parse.tag.case == "nomn"
    )
    found = next(nouns, None)
    if found is None:
        return term
    last, head = found
    number = "plur" if plural or head.tag.number == "plur" else "sing"
    out, at = [], 0
    for i, word in enumerate(words[: last + 1]):
        form = _form(head, {case, number}) if i == last else _agreeing(word[0], head, case, number)
        out += [term[at : word.start()], _cased(form, word[0]) if form else word[0]]
        at = word.end()
    return "".join([*out, term[at:]])


def _form(parse: Any, grammemes: set[str]) -> str | None:
    inflection = parse.inflect(grammemes)
    return inflection.word if inflection else None


def _agreeing(word: str, head: Any, case: str, number: str) -> str | None:
    """An adjective before its noun, if it is one."""
    for parse in parses(word):
        if parse.tag.POS in ("ADJF", "PRTF") and parse.tag.case == "nomn":
            wanted = {case, number}
            if number == "sing" and head.tag.gender:
                wanted.add(head.tag.gender)
            if case == "accs" and (number == "plur" or head.tag.gender == "masc"):
                wanted.add(head.tag.animacy or "inan")
            return _form(parse, wanted)
    return None


def _cased(form: str, model: str) -> str:
    """A form with the capitals of ``model``, and with the part of a compound that stays."""
    parts = model.split("-")
    forms = form.split("-")
    forms = [*parts[: len(parts) - len(forms)], *forms]
    return "-".join(
        form[:1].upper() + form[1:] if part[:1].isupper() else form
        for form, part in zip(forms, parts, strict=False)
    )


def _cases_after(before: str) -> tuple[str, ...]:
    """The cases that a preposition at the end of ``before`` allows; none without one."""
    match = _LAST_WORD.search(before[-60:])
    word = match[1].casefold() if match else ""
    return (_CASE_OF[word], *_ALSO.get(word, ())) if word in _CASE_OF else ()


def _governed(before: str) -> str:
    """The case that the end of ``before`` asks for; the nominative where nothing tells."""
    allowed = _cases_after(before)
    if allowed:
        return allowed[0]
    match = _LAST_WORD.search(before[-60:])
    return next(_asked(match[1]), "nomn") if match else "nomn"


def _asked(word: str) -> Iterator[str]:
    """What case a word asks of the one that follows."""
    for parse in parses(word)[:1]:
        tag = parse.tag
        if tag.POS in ("ADJF", "PRTF") and tag.case in _CASES:
            yield tag.case
        elif tag.POS == "NOUN":
            yield "gent"
        elif tag.POS in ("VERB", "INFN", "GRND") and tag.transitivity == "tran":
            yield "accs"
