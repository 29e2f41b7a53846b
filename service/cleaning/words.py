"""Single words that tell running text from menus, and news from appeals.

Phrases that are typical of site chrome are in `service.cleaning.vocabulary`.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words that join sentences: running text is full of them, menus are not.
FUNCTION_WORDS = _words(
    """
    a about after again against all also although am among an and any are as at be because been
    before being between both but by can could did do does doing down during each even few for
    from had has have having he her here him his how i if in into is it its just like made make
    many may me might more most much must my new no not now of off on once one only or other our
    out over own said same say says she should since so some such than that the their them then
    there these they this those though through to too two under until up upon us very was we were
    what when where which while who whom whose why will with within without would yet you your
    it's don't didn't doesn't isn't wasn't that's i'm there's he's she's they're we're can't won't
    i've you're wouldn't couldn't
    """
)
SECOND_PERSON = _words("you your yours yourself you're you'll you've you'd")
FIRST_PERSON = _words("we our ours us we're we've we'll i my me i'm i've i'll")
WE = _words("we our ours us we're we've we'll we'd let's")
REPORTING = _words(
    """
    said says told tells added according reported reports announced explained noted wrote stated
    asked warned claimed argued insisted confirmed declared spokesman spokeswoman spokesperson
    officials police government president minister
    """
)
PAST = _words(
    """
    was were had did said became began came found gave got kept knew led left lost made met paid
    put ran rose saw sent set spoke stood took thought told went won wrote
    """
)
IMPERATIVES = _words(
    """
    accept add apply ask book browse buy call check choose click close comment complete contact
    continue copy create discover dismiss donate download email enable enter explore fight fill
    find follow get give go help hide join keep learn leave like listen load log login manage
    meet menu open order play please print read register remember reply report request save
    scroll search see select send share shop show sign skip stand start stop submit subscribe
    support switch take tap tell toggle try turn tweet unlock upgrade use view visit vote watch
    write
    """
)
MONTHS = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
