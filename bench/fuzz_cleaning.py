"""Throws made-up texts and pages at cleaning and checks what must hold for all of them.

    python bench/fuzz_cleaning.py --count 10000 [--seed 0]

For each input: the spans partition the flat text, cleaning twice gives the
same answer, cleaning the kept text keeps all of it, and no input takes longer
than two seconds for each 100,000 characters (and a fifth of a second more).
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable

from service.cleaning import Cleaned, clean_html, clean_text

PIECES = (
    "The minister said on Monday that the law would change.",
    "“We had no choice,” she told reporters in Oslo, and left.",
    "Sign up for our newsletter",
    "Read more: What happens next",
    "By Jane Doe",
    "Photo: Getty Images",
    "12 May 2021",
    "14:20",
    "- a thing in a list",
    "Он сказал, что закон изменится уже в понедельник.",
    "Der Minister sagte am Montag, dass sich das Gesetz ändern werde.",
    "for (int i = 0; i < n; i++) { total += a[i]; }",
    "News",
    "Share",
    "and so it went on without an end in sight for any of them",
    "$$$ 100% © 2020 | » ·",
)
ODD = "\0\x07\x0b\x0c\x1c\x1d\x1e\x85\u00a0\u00ad\u2028\u2029\u200b\ufeff\u0301😀𝔘ж漢אع"
TAGS = ("p", "div", "li", "h1", "span", "td", "pre", "script", "noscript", "b", "article", "br")


def a_text(dice: random.Random) -> str:
    """Lines of articles, chrome and rubbish, sometimes repeated without end."""
    parts = [_piece(dice) for _ in range(dice.randrange(25))]
    if dice.random() < 0.05:
        parts *= dice.randrange(1, 40)
    if dice.random() < 0.02:
        parts.append(dice.choice(["\n", " \n", "\t", "a", "|", '"', "("]) * 100_000)
    return dice.choice(["\n", "\n\n", " ", "\r\n"]).join(parts)


def _piece(dice: random.Random) -> str:
    kind = dice.random()
    if kind < 0.7:
        return dice.choice(PIECES)
    if kind < 0.8:
        return dice.choice(PIECES)[: dice.randrange(60)] * dice.randrange(1, 30)
    if kind < 0.9:
        return "".join(dice.choice(ODD) for _ in range(dice.randrange(40)))
    return "".join(chr(_code_point(dice)) for _ in range(dice.randrange(60)))


def _code_point(dice: random.Random) -> int:
    code = dice.randrange(sys.maxunicode + 1)
    return code if not 0xD800 <= code <= 0xDFFF else 0x20


def a_page(dice: random.Random) -> str:
    """Tags, opened and closed as the dice fall, around such lines."""
    parts = ["<html><body>"] if dice.random() < 0.5 else []
    for _ in range(dice.randrange(40)):
        tag = dice.choice(TAGS)
        opening = f"<{tag} style='display:none'>" if dice.random() < 0.05 else f"<{tag}>"
        if dice.random() < 0.01:
            names = range(dice.randrange(20_000))
            opening = f"<{tag} {' '.join(f'a{name}=1' for name in names)}>"
        parts.append(opening * (dice.randrange(300) if dice.random() < 0.02 else 1))
        parts.append(_piece(dice))
        if dice.random() < 0.7:
            parts.append(f"</{tag}>")
        if dice.random() < 0.05:
            parts.append(dice.choice(["<!-- ", "<![CDATA[", "<", "&#0;", "&amp", "<?xml x?>"]))
    return "".join(parts)


def check(clean: Callable[[str], Cleaned], source: str, cleaned: Cleaned) -> None:
    """Raise AssertionError if something does not hold for ``source``."""
    at = 0
    for span in cleaned.spans():
        assert span.start == at < span.end, "spans leave a gap, overlap or are empty"
        at = span.end
    assert at == len(cleaned.flat), "spans end early"
    assert clean(source) == cleaned, "the second answer differs"
    if clean is clean_text:
        assert cleaned.flat == source, "text was rewritten"
        assert clean_text(cleaned.text).text == cleaned.text, "kept text is not kept"


def main() -> None:
    """Make inputs, check them, name the first that fails."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    for clean in (clean_text, clean_html):  # loads what is loaded once
        clean("\n".join(PIECES))
    slowest = 0.0
    for number in range(arguments.count):
        dice = random.Random(f"{arguments.seed}/{number}")
        clean, make = (clean_html, a_page) if number % 2 else (clean_text, a_text)
        source = make(dice)
        began = time.process_time()
        try:
            cleaned = clean(source)
            seconds = time.process_time() - began
            check(clean, source, cleaned)
            assert seconds < 0.2 + 2e-5 * len(source), f"took {seconds:.2f} s"
        except Exception as error:
            sys.exit(f"input {number} of seed {arguments.seed}: {error!r}\n{source!r}")
        slowest = max(slowest, seconds)
    print(f"{arguments.count} inputs, all well; the slowest took {slowest:.2f} s")


if __name__ == "__main__":
    main()
