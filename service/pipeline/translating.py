"""Sentences in, Russian out: translate, check, try again more safely, keep the better.

Works on a list of sentences and knows nothing of where they stood; the
pipeline puts them back.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

from models import Decoding, ModelRef
from service.pipeline import preparation
from service.pipeline.journey import Journey
from service.pipeline.preparation import Attempt
from service.pipeline.splitting import Ids, Piece
from service.scheduler import Output, Unit
from service.schema import Finding, FindingKind, Severity, TranslationOptions
from service.verification import Fault, doubtful, worse


@dataclass(frozen=True)
class Rendering:
    """A sentence's Russian, or its English and the reason why it stayed so."""

    ru: str
    faults: tuple[Fault, ...] = ()
    error: Exception | None = None


@dataclass(frozen=True)
class _Task:
    """A sentence to be translated; without ``pieces`` it stays as it is."""

    en: str
    pieces: Sequence[Piece]
    headline: bool


class Translator:
    """The translator's side of the pipeline."""

    def __init__(self, ref: ModelRef) -> None:
        self._ref = ref

    async def translate(
        self,
        journey: Journey,
        sentences: Sequence[str],
        options: TranslationOptions,
        *,
        headlines: int = 0,
    ) -> list[Rendering]:
        """Translate ``sentences`` and return their renderings in the same order.

        The first so many are ``headlines``. A sentence without a letter (figures,
        rules, emoji) is kept as it is. A unit that fails costs its own sentence only.
        """
        encoded = await journey.prepare(preparation.encode, sentences)
        tasks = [
            _Task(sentence, pieces, n < headlines)
            for n, (sentence, pieces) in enumerate(zip(sentences, encoded, strict=True))
        ]
        renderings = await self._attempt(journey, tasks, options, self._ref.decoding)
        doubted = [n for n, r in enumerate(renderings) if doubtful(r.faults)]
        again = await self._attempt(journey, [tasks[n] for n in doubted], options, self._ref.safer)
        for n, second in zip(doubted, again, strict=True):
            if second.error is None and worse(renderings[n].faults, second.faults):
                renderings[n] = second
        pairs = [(s, r.ru) for s, r in zip(sentences, renderings, strict=True)]
        for n, fault in await journey.prepare(preparation.compare, pairs):
            renderings[n] = replace(renderings[n], faults=(*renderings[n].faults, fault))
        return renderings

    async def fragments(self, journey: Journey, pieces: Sequence[str]) -> dict[str, str]:
        """Translate pieces of sentences, unchecked; one that fails is left out."""
        encoded = await journey.prepare(preparation.encode, pieces)
        units = [self._unit(p, self._ref.decoding) for piece in encoded for p in piece]
        results = iter(await journey.compute(units))
        translated: dict[str, str] = {}
        for piece, parts in zip(pieces, encoded, strict=True):
            outputs = [next(results) for _ in parts]
            if not any(isinstance(output, Exception) for output in outputs):
                translated[piece] = _join(parts, outputs).ru
        return translated

    async def _attempt(
        self,
        journey: Journey,
        tasks: Sequence[_Task],
        options: TranslationOptions,
        decoding: Decoding,
    ) -> list[Rendering]:
        if not tasks:
            return []
        units = [self._unit(piece, decoding) for task in tasks for piece in task.pieces]
        results = iter(await journey.compute(units))
        attempts: list[Attempt] = []
        errors: list[Exception | None] = []
        for task in tasks:
            outputs = [next(results) for _ in task.pieces]
            error = next((o for o in outputs if isinstance(o, Exception)), None)
            whole = outputs and not error
            errors.append(error)
            attempts.append(_join(task.pieces, outputs) if whole else Attempt(task.en, False))
        faults = await journey.prepare(
            preparation.review,
            [task.en for task in tasks],
            attempts,
            options,
            [task.headline for task in tasks],
        )
        return [
            Rendering(attempt.ru, () if error else tuple(found), error)
            for attempt, found, error in zip(attempts, faults, errors, strict=True)
        ]

    def _unit(self, piece: Piece, decoding: Decoding) -> Unit:
        # News grows by about a fifth in tokens on its way into Russian.
        return unit(self._ref, decoding, piece.ids, len(piece.ids) * 6 // 5 + 8)


def unit(ref: ModelRef, decoding: Decoding, ids: Ids, expected: int) -> Unit:
    """Return the unit that computes ``ids`` and is expected to write so many tokens."""
    return Unit(
        queue=ref.role,
        profile=decoding,
        payload=ids,
        key=blake2b(array("I", ids).tobytes(), digest_size=16).digest(),
        input_tokens=len(ids),
        output_tokens=min(decoding.max_tokens, expected) * decoding.num_beams,
    )


def _join(pieces: Sequence[Piece], outputs: Sequence[Output | Exception]) -> Attempt:
    texts = [output.value for output in outputs if isinstance(output, Output)]
    joined = "".join(
        text.text + (piece.glue if n < len(texts) else "")
        for n, (piece, text) in enumerate(zip(pieces, texts, strict=True), start=1)
    )
    return Attempt(" ".join(joined.split()), any(text.truncated for text in texts))


def findings_in(
    rendering: Rendering, field: str, *, sentence_index: int = -1, offset: int = 0
) -> list[Finding]:
    """Return a rendering's findings as they stand at ``offset`` in the answer's ``field``."""
    if rendering.error is not None:
        return [
            Finding(
                FindingKind.FAILED,
                Severity.ERROR,
                field,
                "This part could not be translated and stayed English; send it again.",
                sentence_index=sentence_index,
                start=offset,
                end=offset + len(rendering.ru),
                evidence=rendering.ru,
            )
        ]
    return [
        replace(finding, start=offset + finding.start, end=offset + finding.end)
        for finding in (fault.finding(field, sentence_index) for fault in rendering.faults)
    ]
