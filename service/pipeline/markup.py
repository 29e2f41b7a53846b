"""The text of a page for translation, and the page with its text replaced.

A *passage* is the text of one block (a paragraph, a heading, a list's item, a cell),
inline tags taken out and remembered as marks, so that sentences are translated whole.
Afterwards each tag goes around the words that translate the words it stood around
(``service.pipeline.alignment``), and everything else of the page is given back as it was
written: block tags, attributes, comments, scripts, styles, white space.

What is left alone: the content of ``script``, ``style``, ``pre``, ``svg`` and their like, and
of anything marked ``translate="no"`` or ``class="notranslate"``. Inside a sentence such an
element, like ``code``, has to come back verbatim. Attributes are never translated.

It cleans no page; ``service.cleaning`` does.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from html import escape, unescape

from service.pipeline.alignment import Borders, Place, Window
from service.pipeline.tags import Kind, Token, tokens

#: Elements that begin and end a passage. Whatever is not listed stands inside a line.
_BLOCK_LIST = (
    "address applet area article aside audio base blockquote body br button canvas caption center "
    "col colgroup dd details dialog dir div dl dt embed fieldset figcaption figure footer form "
    "frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html iframe legend li link main map "
    "marquee menu meta nav noembed noframes noscript object ol optgroup option p param search "
    "section select source summary table tbody td template textarea tfoot th thead title tr track "
    "ul video"
)
_BLOCKS = frozenset(_BLOCK_LIST.split())
#: Elements whose text is not prose in the page's language: as blocks, and inside a line.
_OPAQUE_BLOCKS = frozenset({"pre", "template", "listing"})
_OPAQUE = frozenset({"code", "kbd", "samp", "var", "svg", "math", "object", "audio", "video"})
_VOID_LIST = "area base br col embed frame hr img input keygen link meta param source track wbr"
_VOID = frozenset(_VOID_LIST.split())
_NO_TRANSLATE = re.compile(
    r"""\stranslate\s*=\s*["']?no\b|\sclass\s*=\s*(?:"[^"]*\bnotranslate\b|'[^']*\bnotranslate\b"""
    r"""|notranslate\b)""",
    re.IGNORECASE,
)
_LONGEST_KEPT = 200  # characters of an opaque element that a sentence is asked to carry
_DEEPEST = 32  # pairs of tags around one another in a line; what goes deeper stays as points


@dataclass(frozen=True)
class Mark:
    """A tag at a point of a passage, or a pair of them around ``text[start:end]``.

    ``parent`` is the index of the pair that stands around it, -1 for none. ``verbatim``, if
    there is one, is the content of a pair as it has to come back.
    """

    start: int
    end: int
    opening: str
    closing: str = ""
    verbatim: str | None = None
    parent: int = -1


@dataclass(frozen=True)
class Passage:
    """The text of a block without its tags, and the tags as marks in the order of their
    opening. Pairs are nested or apart, and there is text in each.
    """

    text: str
    marks: tuple[Mark, ...]

    def places(self, sentences: Sequence[tuple[int, int]]) -> list[list[Place]]:
        """Return where pairs of tags stand in each of the ``sentences`` (start, end), counted
        from its start, in the marks' order.
        """
        return [
            [
                Place(
                    max(0, self.marks[index].start - start),
                    min(end, self.marks[index].end) - start,
                    self.marks[index].verbatim is not None,
                )
                for index in pairs
            ]
            for (start, end), pairs in zip(sentences, self.pairs(sentences), strict=True)
        ]

    def pairs(self, sentences: Sequence[tuple[int, int]]) -> Iterator[list[int]]:
        """Yield for each sentence the indices of the pairs that stand around any of it."""
        paired = [index for index, mark in enumerate(self.marks) if mark.closing]
        around: list[int] = []
        at = 0
        for start, end in sentences:
            around = [index for index in around if self.marks[index].end > start]
            while at < len(paired) and self.marks[paired[at]].start < end:
                if self.marks[paired[at]].end > start:
                    around.append(paired[at])
                at += 1
            yield list(around)


@dataclass(frozen=True)
class Translated:
    """A sentence of a passage, ``text[start:end]``, its Russian, and where in it the
    ``places`` of the sentence have gone, a window for each.
    """

    start: int
    end: int
    ru: str
    windows: Sequence[Window]


def passages(page: str) -> list[Passage]:
    """Return what there is to translate in ``page``, in order."""
    return [part for part in _parts(page) if isinstance(part, Passage)]


def put_back(page: str, translated: Sequence[Sequence[Translated]]) -> str:
    """Return ``page`` with its passages' sentences replaced, a sequence for each passage."""
    rest = iter(translated)
    return "".join(
        part if isinstance(part, str) else _written(part, next(rest)) for part in _parts(page)
    )


# -- a page's parts ------------------------------------------------------------------------


def _parts(page: str) -> Iterator[str | Passage]:
    """Yield the page: passages, and between them what is given back as it is."""
    line: list[Token] = []
    for token in _with_opaque_joined(tokens(page)):
        inline = token.name not in _BLOCKS and token.name not in _OPAQUE_BLOCKS
        if token.kind is Kind.TEXT or (inline and not _is_declaration(token)):
            line.append(token)
            continue
        yield from _line(line)
        yield token.raw
        line = []
    yield from _line(line)


def _is_declaration(token: Token) -> bool:
    """Scripts and their like, and doctypes, part one line from the next; comments do not."""
    if token.kind is Kind.OTHER:
        return not token.name and not token.raw.startswith("<!--")
    return token.name in ("script", "style", "plaintext", "xmp")


def _with_opaque_joined(source: Iterator[Token]) -> Iterator[Token]:
    """Join an element that is left alone, to the end tag that closes it, into one token:
    of kind OTHER, with the element's name.
    """
    held: list[str] = []
    name, depth = "", 0
    for token in source:
        if not depth:
            if token.kind is Kind.OPEN and _is_opaque(token) and not token.raw.endswith("/>"):
                name, depth, held = token.name, 1, [token.raw]
            else:
                yield token
            continue
        held.append(token.raw)
        if token.name == name and token.kind is not Kind.OTHER:
            depth += {Kind.OPEN: 1, Kind.CLOSE: -1}[token.kind]
        if not depth:
            yield Token(Kind.OTHER, "".join(held), name)
    if depth:  # it never ends
        yield Token(Kind.OTHER, "".join(held), "template")


def _is_opaque(token: Token) -> bool:
    if token.name in _VOID or token.name in ("html", "body"):
        return False
    if token.name in _OPAQUE or token.name in _OPAQUE_BLOCKS:
        return True
    return _NO_TRANSLATE.search(token.raw) is not None


def _line(line: Sequence[Token]) -> Iterator[str | Passage]:
    """Yield a line as a passage; as it was, if there is no word in it."""
    words = (unescape(token.raw) for token in line if token.kind is Kind.TEXT)
    if not any(map(str.isalpha, "".join(words))):
        yield "".join(token.raw for token in line)
        return
    builder = _Builder()
    for token in line:
        builder.add(token)
    yield builder.passage()


@dataclass
class _Builder:
    """Collects a line's text and marks; what is ``opened`` waits for its end tag."""

    text: list[str] = field(default_factory=list)
    length: int = 0
    solid: int = 0  # the end of the last character that is no white space
    marks: list[Mark] = field(default_factory=list)
    opened: list[tuple[int, str]] = field(default_factory=list)  # index of the mark, its name
    waiting: Counter[str] = field(default_factory=Counter)  # names of what is opened

    def add(self, token: Token) -> None:
        if token.kind is Kind.TEXT:
            self._write(unescape(token.raw))
        elif token.kind is Kind.CLOSE:
            self._close(token)
        elif token.kind is Kind.OTHER and token.name:
            self._keep(token)
        else:
            element = token.kind is Kind.OPEN and token.name not in _VOID
            if element and len(self.opened) < _DEEPEST:
                self.opened.append((len(self.marks), token.name))
                self.waiting[token.name] += 1
                self._point(token.raw, self.opened[-2][0] if len(self.opened) > 1 else -1)
            else:
                self._point(token.raw)

    def passage(self) -> Passage:
        """Return what was collected."""
        return Passage("".join(self.text), tuple(self._with_real_parents()))

    def _write(self, text: str) -> None:
        self.text.append(text)
        if text.strip():
            self.solid = self.length + len(text.rstrip())
        self.length += len(text)

    def _point(self, raw: str, parent: int | None = None) -> None:
        inside = self.opened[-1][0] if self.opened else -1
        parent = inside if parent is None else parent
        self.marks.append(Mark(self.length, self.length, raw, parent=parent))

    def _close(self, token: Token) -> None:
        """Make a pair with the last start tag of this name. What was opened in between and
        not closed stays a point, as does an end tag without a start, and a pair around nothing.
        """
        if not self.waiting[token.name]:
            self._point(token.raw)
            return
        while True:
            index, name = self.opened.pop()
            self.waiting[name] -= 1
            if name == token.name:
                break
        mark = self.marks[index]
        if self.solid > mark.start:
            self.marks[index] = replace(mark, end=self.length, closing=token.raw)
        else:
            self._point(token.raw)

    def _keep(self, token: Token) -> None:
        """Take an element that is left alone: as text to be kept, where there is any."""
        pieces = list(tokens(token.raw))
        text = "".join(unescape(p.raw) for p in pieces if p.kind is Kind.TEXT).strip()
        if pieces[-1].name != token.name or not text or len(text) > _LONGEST_KEPT or "\n" in text:
            self._point(token.raw)
            return
        content = "".join(piece.raw for piece in pieces[1:-1])
        self._point(pieces[0].raw)
        self._write(text)
        mark = replace(self.marks[-1], end=self.length, closing=pieces[-1].raw)
        self.marks[-1] = replace(mark, verbatim=content)

    def _with_real_parents(self) -> Iterator[Mark]:
        """Yield the marks; one whose parent stayed a point belongs to that one's parent."""
        parents: list[int] = []
        for mark in self.marks:
            parent = mark.parent
            if parent >= 0 and not self.marks[parent].closing:
                parent = parents[parent]
            parents.append(parent)
            yield replace(mark, parent=parent)


# -- a passage's Russian -------------------------------------------------------------------


def _written(passage: Passage, sentences: Sequence[Translated]) -> str:
    """Return a passage's Russian with its marks."""
    text, spots = _laid_out(passage, sentences)
    children: dict[int, list[int]] = {}
    for index in sorted(range(len(spots)), key=lambda i: (spots[i][0], i)):
        children.setdefault(passage.marks[index].parent, []).append(index)
    out: list[str] = []

    def write(parent: int, cursor: int, end: int) -> None:
        for index in children.get(parent, ()):
            mark = passage.marks[index]
            first = min(max(spots[index][0], cursor), end)
            last = min(max(spots[index][1], first), end)
            out.append(_escaped(text[cursor:first]) + mark.opening)
            if mark.verbatim is None:
                write(index, first, last)
            else:
                out.append(mark.verbatim)
            out.append(mark.closing)
            if _is_between_blanks(passage.text, mark) and not text[last : last + 1].isspace():
                out.append(" ")  # a sentence is translated with one of the two
            cursor = last
        out.append(_escaped(text[cursor:end]))

    write(-1, 0, len(text))
    return "".join(out)


def _is_between_blanks(text: str, mark: Mark) -> bool:
    around = text[max(0, mark.start - 1) : mark.start + 1]
    return mark.start == mark.end and len(around) == 2 and around.isspace()


def _laid_out(passage: Passage, sentences: Sequence[Translated]) -> tuple[str, list[Window]]:
    """Return the passage's text in Russian, and where in it each mark goes."""
    spans = [(sentence.start, sentence.end) for sentence in sentences]
    starts = [start for start, _ in spans]
    parts = [passage.text[: starts[0] if starts else None]]
    bases, length = [], len(parts[0])
    for sentence, following in zip(sentences, [*starts[1:], None], strict=False):
        bases.append(length)
        parts += [sentence.ru, passage.text[sentence.end : following]]
        length += len(sentence.ru) + len(parts[-1])

    borders: dict[int, Borders] = {}

    def point(at: int) -> int:
        """Where a point of the passage went: as far into its gap as it was, or as far into
        its sentence, in words.
        """
        n = bisect_right(starts, at) - 1
        if n < 0:
            return at
        (start, end), ru = spans[n], sentences[n].ru
        if at >= end:
            return bases[n] + len(ru) + at - end
        if n not in borders:
            borders[n] = Borders(passage.text[start:end], ru)
        return bases[n] + borders[n].proportional(at - start)

    spots = [(point(mark.start), point(mark.end)) for mark in passage.marks]
    for n, pairs in enumerate(passage.pairs(spans)):
        (start, end), windows = spans[n], sentences[n].windows
        for index, (first, last) in zip(pairs, windows, strict=True):
            mark, (before, after) = passage.marks[index], spots[index]
            spots[index] = (
                bases[n] + first if mark.start >= start else before,
                bases[n] + last if mark.end <= end else after,
            )
    return "".join(parts), spots


def _escaped(text: str) -> str:
    """Return text as HTML. A no-break space is written so that it can be seen."""
    return escape(text, quote=False).replace("\xa0", "&nbsp;")
