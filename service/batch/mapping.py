"""Which field of a record is the text, the headline, the id.

Named by flags, or guessed from the usual names, record by record, so that files
of different make can lie in one dump.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from service.batch.encodings import repaired
from service.batch.record import Fields, Malformed, Place, Record
from service.schema import Article, Finding, FindingKind, Severity

GUESSES = {
    "text": ("text", "body", "content", "article", "maintext"),
    "html": ("html",),
    "headline": ("title", "headline"),
    "id": ("id", "url"),
    "url": ("url",),
}
_BODIES = ("text", "html")
_PAGE = re.compile(r"\s*(<!doctype html|<html|<\?xml[^>]*\?>\s*<(!doctype )?html)", re.IGNORECASE)


def is_page(text: str) -> bool:
    """Does it begin as an HTML page does?"""
    return _PAGE.match(text) is not None


@dataclass(frozen=True)
class Mapping:
    """The fields' names as the user gave them, "" where they are to be guessed.

    A name may be a path into nested objects: ``data.body``.
    """

    text: str = ""
    html: str = ""
    headline: str = ""
    id: str = ""
    url: str = ""
    repair: bool = True

    def record(self, place: Place, values: Fields) -> Record | Malformed:
        """The record that ``values`` are, or why they are none."""
        found: dict[str, str | None] = {}
        for role in GUESSES:
            name, value = self._find(role, values)
            if isinstance(value, int | float) and not isinstance(value, bool) and role == "id":
                value = str(value)
            if value is not None and not isinstance(value, str):
                kind = _JSON.get(type(value), type(value).__name__)
                return Malformed(f"{name!r} must be a string to be the {role}, and is {kind}")
            found[role] = value
        text, html = found["text"], found["html"]
        if text is None and html is None:
            return Malformed(self._missing(values), id=found["id"] or "")
        if text is not None and is_page(text):
            text, html = None, text
        elif text is not None:
            html = None
        body = repaired(text or html or "") if self.repair else text or html or ""
        changed = body != (text or html or "")
        article = Article(
            id=found["id"] or str(place),
            headline=found["headline"] or "",
            text=None if text is None else body,
            html=None if html is None else body,
            url=found["url"] or "",
        )
        return Record(place, article, (_repaired(html is not None),) if changed else ())

    def guessed(self, names: Iterable[str]) -> dict[str, str]:
        """The field taken for each role, in a record of fields of these names."""
        values = dict.fromkeys(names, "")
        pairs = ((role, self._find(role, values)[0]) for role in GUESSES)
        return {role: name for role, name in pairs if name}

    def columns(self, names: Iterable[str]) -> list[str]:
        """Those of a table's columns that are looked at."""
        wanted = {name.partition(".")[0] for name in self._given()}
        wanted |= {name for usual in GUESSES.values() for name in usual}
        return [name for name in names if name in self._given() or name.lower() in wanted
                or name in wanted]  # fmt: skip

    def _given(self) -> set[str]:
        return {getattr(self, f.name) for f in fields(self) if f.name in GUESSES} - {""}

    def _find(self, role: str, values: Fields) -> tuple[str, Any]:
        """The name of a role's field and its value; "" and None if there is none."""
        given = getattr(self, role)
        if given:
            return given, _at(values, given)
        if role in _BODIES and (self.text or self.html):
            return "", None  # the body was told to be the other one
        usual = {name.lower(): name for name in values if isinstance(name, str)}
        for guess in GUESSES[role]:
            name = usual.get(guess)
            if name is not None and values[name] is not None:
                return name, values[name]
        return "", None

    def _missing(self, values: Fields) -> str:
        wanted = " or ".join(repr(n) for n in (self.text, self.html) if n)
        wanted = wanted or ", ".join(map(repr, (*GUESSES["text"], *GUESSES["html"])))
        have = ", ".join(repr(name) for name in list(values)[:8]) or "none"
        return f"has no text: no {wanted} among its fields ({have}); see --text-field"


_JSON = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
}


def _at(values: Any, path: str) -> Any:
    if path in values:
        return values[path]
    for name in path.split("."):
        if not isinstance(values, dict) or name not in values:
            return None
        values = values[name]
    return values


def _repaired(is_html: bool) -> Finding:
    field = "article.html" if is_html else "article.text"
    return Finding(
        FindingKind.INPUT,
        Severity.INFO,
        field,
        "The text had been decoded wrongly and was put right; offsets lie on the repaired text.",
    )
