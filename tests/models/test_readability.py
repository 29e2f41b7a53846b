"""Which sentences can be read alone: a table of real-looking examples."""

from __future__ import annotations

import pytest

from models.readability import Reading, dateline, readings

OPENING = "The river broke its banks near Kazan on Monday."


def after_the_opening(sentence: str) -> Reading:
    return readings([OPENING, sentence])[1]


@pytest.mark.parametrize(
    "sentence",
    [
        "The river broke its banks near Kazan on Monday.",
        "Tens of thousands of campus buildings stood empty at the time.",
        "LONDON, England (CNN) -- The prime minister resigned on Friday.",
        "(CNN)She Said, a film about reporters, opened to good reviews.".replace(
            "She Said", "Spotlight"
        ),
        "“We are close to a text,” the Geneva envoy Ada Jones told reporters.",
        '"We are close," said Ada Jones, who leads the talks.',
        "In Geneva, Ada Jones said her team was close to a text.",
        "When Ada Jones arrived, she found the hall empty.",
        "PC (USA) ministers can perform weddings in 17 states.",
        "$40 million went to the schools of Kazan.",
        'Jones called the text "a beginning."',
        "First Minister Ada Jones opened the talks.",
    ],
)
def test_reads_alone(sentence: str) -> None:
    assert after_the_opening(sentence) == Reading(fit=True, needs=None)


@pytest.mark.parametrize(
    "sentence",
    [
        "He said so on Tuesday evening.",
        "(CNN)She grew up in Kenya under colonial rule.",
        "But the vote was put off until March.",
        "In addition, 40 houses burned down.",
        "In March, he moved to Geneva for good.",
        "When asked about the text, she declined to answer.",
        '"We are close to a text," he said.',
        '"We are close to a text and will stay in Geneva."',
        "I have seen such talks fail before.",
        "That is why the minister left early.",
        "First, the text says nothing of grain.",
        "For its sheer size, this one is a monster.",
    ],
)
def test_leans_on_the_sentence_before(sentence: str) -> None:
    assert after_the_opening(sentence) == Reading(fit=True, needs=0)


@pytest.mark.parametrize(
    "sentence",
    [
        "Tuesday.",
        "What does the vote mean for Geneva?",
        '"Will you stay in Geneva for it?"',
        'The minister said: "We are close to a text.',
        "The minister said “We are close to a text.",
        "and then went home to his family in Kazan.",
        "Ministers of eleven countries at the talks in Geneva",
        "CNN's Ada Jones and Bo Li contributed to this report.",
        "Editor's note: Ada Jones is a fellow of the institute.",
        "Follow us on Twitter for all the news of the talks.",
        "The opinions expressed in this commentary are solely hers.",
        "Photos of the week: ministers in the snow at Geneva.",
        "(CNN)",
    ],
)
def test_unfit_for_a_summary(sentence: str) -> None:
    assert not after_the_opening(sentence).fit


def test_the_opening_sentence_needs_nobody() -> None:
    assert readings(["She grew up in Kenya under colonial rule."])[0].needs is None


def test_a_surname_needs_the_sentence_that_gave_the_name() -> None:
    story = [
        OPENING,
        "The text was written by Ada M. Jones and Omar al-Sayed of Geneva University.",
        "Grain prices rose by four percent in Chicago.",
        "Jones's colleagues called the text a good beginning.",
        "A city official told al-Sayed that the hall was free.",
        "President Ada Jones of Malta is no relation of theirs.",
        "The Kazan river is no wider than the Volga.",
    ]
    assert [reading.needs for reading in readings(story)] == [None, None, None, 1, 1, None, None]


def test_a_sentence_cut_in_two_is_no_sentence() -> None:
    broken = ["She was one of the stars of the series on E! ", "reality television last year."]
    assert not any(reading.fit for reading in readings(broken))
    whole = [
        "The company showed its new telephone in Geneva.",
        "iPhone prices start at $700 there.",
    ]
    assert readings(whole)[0].fit


def test_hostile_text_is_read_in_linear_time() -> None:
    # Finishes in milliseconds; a pattern that tries every start against every end takes minutes.
    for text in (
        '"' * 100_000,
        "”“" * 50_000,
        "”" * 50_000 + "“" * 50_000,
        "A" * 100_000,
        "A " * 50_000,
    ):
        readings([text, text])
        readings(["In " + text + " five words follow here.", text])


@pytest.mark.parametrize(
    ("sentence", "opening"),
    [
        ("(CNN)The first visit ended.", "(CNN)"),
        ("LONDON, England (CNN) -- Ministers met.", "LONDON, England (CNN) -- "),
        ("Hong Kong (Reuters) - Shares fell.", "Hong Kong (Reuters) - "),
        ("The Church (USA) approved it.", ""),
        ("The station (CNN) was founded in 1980.", ""),
    ],
)
def test_datelines(sentence: str, opening: str) -> None:
    assert sentence[: dateline(sentence)] == opening
