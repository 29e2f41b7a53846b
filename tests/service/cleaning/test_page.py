"""Web pages: the story is found, the page's own data too, and bad HTML does no harm."""

import pytest

from service.cleaning import clean_html
from service.schema import Range, SpanKind

PAGE = """<!DOCTYPE html>
<html lang="en"><head>
<title>Old bridge to be rebuilt after all | Valley Post</title>
<meta property="og:title" content="Old bridge to be rebuilt after all">
<meta property="og:site_name" content="Valley Post">
<meta name="author" content="Ida Brandt">
<meta property="article:published_time" content="2021-03-15T08:30:00Z">
<script>var subscribe = "Sign up";</script><style>p { color: red }</style>
</head><body>
<nav><ul><li><a href="/">Home</a></li><li><a href="/w">World</a></li></ul></nav>
<article><h1>Old bridge to be rebuilt after all</h1>
<p class="teaser">The council voted on Monday to rebuild the old bridge, which was closed two
years ago after a ship had hit one of its pillars in the fog.</p>
<figure><img src="b.jpg"><figcaption>The bridge in winter. Photo: Ida Brandt</figcaption></figure>
<p>Work will begin in April and last for eighteen months, the head of the building office, Karl
Otto, told reporters after the meeting.</p>
<div class="related"><h3>Related stories</h3><ul><li><a href="/a">Ship hits bridge in fog</a></li>
<li><a href="/b">Ferry tickets to become dearer</a></li></ul></div>
<p>Drivers will have to use the motorway until then, a detour of eleven kilometres that has cost
the town's shops a third of their customers, according to the chamber of trade.</p>
<p>The bridge was built in 1911 and carried trams until the nineteen-sixties, when the line was
given up and the rails were sold.</p></article>
<div style="display: none">You should not see this sentence at all, dear reader.</div>
<footer><p>Sign up for our newsletter</p><p>&copy; Valley Post. All rights reserved.</p></footer>
</body></html>"""


def test_the_story_is_found_and_the_rest_is_not() -> None:
    cleaned = clean_html(PAGE, "https://valleypost.example/bridge")
    story = [cleaned.flat[p.start : p.end] for p in cleaned.story()]
    assert [paragraph.split()[0] for paragraph in story] == ["The", "Work", "Drivers", "The"]
    assert story[0].startswith("The council voted")
    for unwanted in ("Related", "Ferry tickets", "newsletter", "Home", "Photo", "rights"):
        assert unwanted not in cleaned.text
        assert unwanted in cleaned.flat
    for unseen in ("var subscribe", "color: red", "should not see"):
        assert unseen not in cleaned.flat


def test_the_page_says_who_wrote_it_when_and_where() -> None:
    cleaned = clean_html(PAGE, "https://valleypost.example/bridge")
    assert cleaned.headline == "Old bridge to be rebuilt after all"
    assert cleaned.metadata.authors == ("Ida Brandt",)
    assert cleaned.metadata.published == "2021-03-15"
    assert cleaned.metadata.site == "Valley Post"
    roles = {p.role: p.kind for p in cleaned.paragraphs}
    assert roles["headline"] is SpanKind.CONTEXT
    assert roles["caption"] is SpanKind.CONTEXT


def test_exclusions_lie_on_the_flat_text() -> None:
    flat = clean_html(PAGE).flat
    start = flat.index("Work will begin")
    cleaned = clean_html(PAGE, excluded=[Range(start, start + 20)])
    assert cleaned.flat == flat
    assert "Work will begin" not in cleaned.text
    assert SpanKind.EXCLUDED in {span.kind for span in cleaned.spans()}


def test_a_story_that_waits_for_a_script_is_read() -> None:
    hidden = PAGE.replace("<article>", '<article style="display:none">')
    assert "Work will begin in April" in clean_html(hidden).text


@pytest.mark.parametrize(
    "html",
    [
        "",
        " ",
        "<!-- only this",
        "plain text and nothing else",
        "<p>unclosed <b>soup <i>of </p> tags</i>",
        "<?xml version='1.0' encoding='utf-16'?><html><p>Declared in vain.</p></html>",
        "\0<p>\0nul\0</p>",
        "<" * 5_000,
        "<a " + "x='y' " * 5_000 + ">text",
        "<title>only a title</title>",
    ],
)
def test_bad_html_does_no_harm(html: str) -> None:
    cleaned = clean_html(html)
    assert "".join(cleaned.flat[s.start : s.end] for s in cleaned.spans()) == cleaned.flat


def test_nothing_is_lost_for_being_nested_too_deep() -> None:
    depth = 10_000
    cleaned = clean_html(
        "<p>above</p>" + "<div>" * depth + "deep<p>within</p>" + "</div>" * depth + "<p>below</p>"
    )
    assert cleaned.flat.split() == ["above", "deep", "within", "below"]


def test_preformatted_text_is_parted_by_blank_lines() -> None:
    assert clean_html("<pre>one\ntwo\n\nthree</pre>").flat == "one two\nthree"
