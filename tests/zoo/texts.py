"""What the zoo's tokenizers are trained on, and texts that are hard on tokenizers."""

from __future__ import annotations

LINES = [
    "The president said on Monday that talks would go on.",
    "Heavy rain closed two roads near the coast, and more is expected.",
    "Prices rose by 3.5 per cent in May, the bank's report says.",
    'Officials in Geneva called the plan "a first step" and asked for time.',
    "Президент заявил в понедельник, что переговоры продолжатся.",
    "Из-за сильного дождя закрыты две дороги у побережья.",
    "Цены в мае выросли на 3,5 процента, говорится в отчёте банка.",
    "В Женеве назвали план первым шагом и попросили времени.",
]

# One kind of trouble each; none is empty, all could stand in an article.
UNICODE = {
    "one letter": "a",
    "one mark": "?",
    "cyrillic inside latin": "The word \u0441\u0432\u043e\u0434\u043a\u0430 and a mixed \u0420utin",
    "emoji joined by zero width": "A family \U0001f468\u200d\U0001f469\u200d\U0001f467 and a flag \U0001f1fa\U0001f1f3",
    "skin tone and keycap": "Yes \U0001f44d\U0001f3fd, line 3\ufe0f\u20e3",
    "right to left": "He said \u05e9\u05dc\u05d5\u05dd and \u0645\u0631\u062d\u0628\u0627 \u200f(twice)",
    "combining marks": "cafe\u0301 na\u0308ive \u0438\u0306 Z\u0351\u0323alg\u0335o",
    "precomposed": "caf\u00e9 na\u00efve \u0439",
    "wide characters": "\u65e5\u672c\u8a9e and \u4e2d\u56fd \uff26\uff35\uff2c\uff2c width, \ud55c\uad6d",
    "spaces of other kinds": "ten\u00a0thousand\u2009men\u3000came\u2003in",
    "typographic": "\u201cIt\u2019s\u201d \u2014 5\u00bd\u00b0 \u2026 \u20ac3 \u2116 7 \u00a73 x\u00b2",
    "soft hyphen and joiners": "co\u00adoperate \u2060word\u200cjoin\ufeff",
    "control-like": "a\u0085b\u2028c\u2029d\u007fe",
    "private use and unassigned": "logo \ue000 and \U000e0041",
    "outside the plane": "\U0001d54f\U0001d538 \U00010348 \U0002070e",
    "repeated": "ha " * 20 + "!" * 30,
    "marks of models": "</s> <s> <eos> <pad> >>ukr<< <2de> <|im_end|> __de__ [SEP]",
    "addresses": "See https://example.org/a_b?c=1&d=%20 or a.b@example.org",
}
