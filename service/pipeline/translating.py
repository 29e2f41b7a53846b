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
from service.verification import Fault, cost


@dataclass(frozen=True)
class Rendering:
    """A sentence's Russian, or its English and the reason why it stayed so."""

    ru: str
    faults: tuple[Fault, ...] = ()
    error: Exception | None = None


class Translator:
    """The translator's side of the pipeline."""

    def __init__(self, ref: ModelRef) -> None:
        self._ref = ref

    async def translate(
        self, journey: Journey, sentences: Sequence[str], options: TranslationOptions
    ) -> list[Rendering]:
        """Translate ``sentences`` and return their renderings in the same order.

        A sentence without a letter (figures, rules, emoji) is kept as it is. A
        unit that fails costs its own sentence only.
        """
        worded = [i for i, s in enumerate(sentences) if any(map(str.isalpha, s))]
        renderings = [Rendering(sentence) for sentence in sentences]
        if not worded:
            return renderings
        wanted = [sentences[i] for i in worded]
        encoded = await journey.prepare(preparation.encode, wanted)
        first = await self._attempt(journey, wanted, encoded, options, self._ref.decoding)
        doubtful = [i for i, r in enumerate(first) if r.error is None and cost(r.faults) > 0]
        if doubtful:
            second = await self._attempt(
                journey,
                [wanted[i] for i in doubtful],
                [encoded[i] for i in doubtful],
                options,
                self._ref.safer,
            )
            for i, again in zip(doubtful, second, strict=True):
                if again.error is None and cost(again.faults) < cost(first[i].faults):
                    first[i] = again
        for i, rendering in zip(worded, first, strict=True):
            renderings[i] = rendering
        return renderings

    async def _attempt(
        self,
        journey: Journey,
        sentences: Sequence[str],
        encoded: Sequence[Sequence[Piece]],
        options: TranslationOptions,
        decoding: Decoding,
    ) -> list[Rendering]:
        units = [self._unit(piece, decoding) for pieces in encoded for piece in pieces]
        results = iter(await journey.job.run(units))
        attempts: list[Attempt] = []
        errors: list[Exception | None] = []
        for sentence, pieces in zip(sentences, encoded, strict=True):
            outputs = [next(results) for _ in pieces]
            error = next((o for o in outputs if isinstance(o, Exception)), None)
            errors.append(error)
            attempts.append(Attempt(sentence, False) if error else _join(pieces, outputs))
        faults = await journey.prepare(preparation.review, sentences, attempts, options)
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
