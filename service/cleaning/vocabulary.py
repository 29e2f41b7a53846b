"""The phrases by which site chrome gives itself away, each kind with its reason.

A cue alone decides nothing: stories quote appeals and speak of cookies. It is
one feature of the paragraph model among others, and it names the reason when
the model drops the paragraph. Each line below is a phrase in small letters
with the alternatives of a regular expression in it; a line that ends in a bar
goes on in the next. A phrase is whole words. None has one unbounded repetition
in another, so matching takes time in proportion to the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Cue:
    """A kind of chrome: its feature's name, what to tell people, how it reads."""

    name: str
    reason: str
    phrases: str

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Finds the first of the phrases in a text of small letters."""
        unbroken = re.sub(r"\|\s*\n\s*", "|", self.phrases)
        lines = [line.strip() for line in unbroken.splitlines() if line.strip()]
        return re.compile(rf"(?<!\w)(?:{'|'.join(lines)})(?!\w)")


# In order of how telling they are: the first that matches gives the reason.
CUES = (
    Cue(
        "cookies",
        "cookie notice",
        r"""
        (?:uses?|using|accept|reject|manage|allow|necessary|your|our|these|
            essential) (?:all )?cookies?
        cookies? (?:policy|settings?|preferences|notice|consent|choices|and similar)
        (?:manage|your|withdraw|change) (?:your )?(?:consent|privacy) (?:preferences|choices|
            settings)?
        (?:you )?(?:consent|agree) to (?:our|the|its|their) use
        do not sell (?:or share )?my
        gdpr|ccpa
        """,
    ),
    Cue(
        "newsletter",
        "newsletter sign-up",
        r"""
        newsletters?
        (?:to|in|into) your (?:inbox|mailbox|e-?mail|phone)
        sign(?:ing)? up (?:here|now|today|below|for (?:our|the|free|daily|weekly|breaking|an?)|
            to (?:our|get|receive|the))
        (?:enter|provide|type) (?:your|an?|a valid) e-?mail
        your e-?mail(?: address)?
        (?:e-?mail|news|breaking|text|job) alerts?
        mailing list
        unsubscribe(?: (?:at )?any ?time)?
        (?:daily|weekly|morning|evening) (?:digest|briefing|roundup|update|e-?mail)s?
        never miss (?:an?|the|our|out)
        stay (?:informed|up to date|up-to-date|in the know|connected|updated|in touch)
        (?:best|top|latest|biggest) (?:content|stories|news|headlines|of the (?:week|
            day)).{0,40}(?:e-?mail|inbox|week|day)
        hand-?picked (?:selection|stories|by)
        (?:thank you|thanks) for (?:signing up|subscribing|registering)
        """,
    ),
    Cue(
        "donation",
        "asks for donations",
        r"""
        donate(?: (?:now|today|to|here|online|by|via|\$?\d+))?[!.]?
        (?:make|making|consider) an? (?:[\w-]+ ){0,2}(?:donation|contribution|gift)
        support (?:us|our|independent|local|quality|free|fearless|this (?:site|work|podcast|
            newsletter)|today)
        (?:your|every|each) (?:financial )?(?:support|donation|contribution|generosity|gift|
            pledge)
        tax[- ]deductible
        become an? (?:[\w-]+ )?(?:member|supporter|patron|donor|friend)
        by (?:supporting|donating|contributing)
        (?:we|i) need your (?:help|support)
        (?:please )?(?:consider supporting|help us|help keep|help support|chip in|pitch in)
        (?:buy (?:us|me) a coffee|patreon|paypal|ko-?fi)
        (?:reader|listener|member|community|viewer)[- ](?:supported|funded|powered)
        independent (?:journalism|media|reporting|news)
        (?:quality|local|public[- ]interest|trusted|fearless|investigative) journalism
        (?:ready|want) to support
        (?:thank you|thanks) for (?:your|standing|supporting|reading|being|helping)
        (?:support|supports|fund|funding|funds) (?:our|the) (?:work|journalism|newsroom|mission|
            reporting)
        no matter how small
        support (?:the )?[\w' ]{1,40}!$
        (?:a )?one-time (?:gift|donation|payment|contribution)
        nonprofit newsroom|non-profit newsroom
        """,
    ),
    Cue(
        "appeal",
        "message to readers",
        r"""
        dear (?:readers?|friends?|subscribers?|visitors?|listeners?|supporters?|reader)
        an? (?:[\w-]+ )?(?:message|note|letter|word) (?:from|to) (?:the|our|us|you|your)
        before you (?:go|leave|continue)
        our (?:readers?|subscribers?|supporters|members|journalists|newsroom|journalism|
            community|team|staff|work|mission|website|site|reporting)
        we (?:rely|depend) on
        readers like you
        we(?:'ve| have) (?:a favou?r|noticed)
        """,
    ),
    Cue(
        "subscription",
        "asks for a subscription",
        r"""
        subscribe(?: (?:now|today|here|to|for|and|via|with|or))?[!.]?
        (?:please|not yet|new|our|for|existing|print|digital|all) (?:a )?subscribe(?:rs?)?
        subscribers? (?:only|agree|can|get|exclusive|benefits?|log|also|have)
        already (?:an? )?(?:subscriber|subscribed|registered|member|have an account)
        (?:to|and) (?:continue|keep|finish) reading
        (?:view|read|access|see|get|unlock) the (?:full|whole|entire|rest of the|
            complete) (?:story|article|text|version|report|analysis)
        (?:free|remaining|monthly|more|gift|unlimited|premium) (?:free )?articles?(?: (?:this|a|
            per|left|remaining|each))
        (?:unlimited|full|premium|digital|exclusive|immediate|instant|online|complete|
            ad-free) (?:digital |online )?access
        (?:free|paid|premium|digital|annual|monthly|print|your|our) (?:trial|subscriptions?|
            membership)
        (?:cancel|change) (?:any ?time|at any time)
        start your (?:free )?(?:trial|subscription)
        subscription (?:plans?|options?|offers?|will|is|to)
        (?:auto-?|automatically )renews?
        (?:\$|£|€)\d[\d.,]*(?: ?(?:/|per|a|an) ?(?:month|week|year|mo))
        unlock (?:this|the|all|full|access)
        (?:this|the) (?:article|story|content|post) is (?:for|only|reserved|available|exclusive|
            free)
        (?:get|have) access to
        (?:limited|introductory|special) (?:time )?offer
        """,
    ),
    Cue(
        "account",
        "account or login prompt",
        r"""
        (?:log|sign|logged|signed)[ -]?in(?: (?:to|with|or|here|as|for|now|using|below))?$
        (?:log|sign|logged|signed|logging|signing)[ -]?(?:in|out|on) (?:to (?:your|post|comment|
            leave|continue|read|access|the|view)|with|or|for immediate|using|below|here)
        ^(?:log|sign) ?(?:in|out|up)\W*$
        log[- ]?out|log[- ]?in
        create (?:an|a free|your|my|a new) account
        (?:forgot|forgotten|reset|lost|your) (?:your |my )?(?:password|username)
        (?:my|your) (?:account|profile)
        register (?:now|today|for free|here|to|or|an account)
        (?:user ?name|password|e-?mail address)
        remember me
        """,
    ),
    Cue(
        "sharing",
        "share buttons",
        r"""
        share (?:this|on|via|with|to|article|story|your|the|it|by)
        ^shares?\W*$
        (?:tweet|pin|e-?mail|print|save|bookmark) (?:this|it|article|story|page|post|to)
        (?:follow|like|find|join|connect with|catch|visit|add) us
        follow (?:me|him|her|them|@\w+|our|the .{1,40} on|on|\w+ on|\w+ \w+ on)
        ^.{0,30}\b(?:facebook|twitter|whatsapp|linkedin|pinterest|reddit|telegram|instagram|
            flipboard|tumblr|youtube|tiktok|snapchat|threads|bluesky|mastodon|messenger|
            google ?\+)\W*$
        (?:facebook|twitter|whatsapp|linkedin|pinterest|reddit|telegram|instagram|
            e-?mail)\W{1,4}(?:and )?(?:facebook|twitter|whatsapp|linkedin|pinterest|reddit|
            telegram|instagram|e-?mail|youtube)
        copy (?:the |this )?link|link copied|copied to clipboard
        click to (?:share|e-?mail|print|copy|tweet)
        opens? in (?:a )?new (?:window|tab)
        external links?
        """,
    ),
    Cue(
        "app",
        "promotes an app",
        r"""
        (?:download|get|install|try|open|use|on) (?:our|the|in the|in|your) (?:\w+ ){0,3}apps?
        (?:app store|google play|play store)
        (?:ios|iphone|ipad|android) (?:and|or|&|/) (?:ios|iphone|ipad|android)
        available (?:on|for|in) (?:the )?(?:app store|google play|ios|android|apple|spotify|
            itunes)
        (?:push|desktop|browser) notifications?
        (?:turn on|enable|allow|receive|get) notifications
        (?:mobile|free|our) apps?
        apps? for (?:ios|android|your)
        """,
    ),
    Cue(
        "comments",
        "comments",
        r"""
        (?:leave|post|add|write|view|show|hide|load|join|read|see|submit|sort|report|delete|
            edit|make|all)(?: an?| your| all| the| this| more| our| in the| \d+)? (?:comments?|
            reply|replies|conversation|discussion|response)
        \d+ (?:comments?|replies|responses|thoughts on)
        (?:be the )?first to comment
        comments? (?:policy|are|section|moderat\w*|guidelines|below|feed|\(\d+\)|\d+|rules|
            closed)
        ^(?:\d+ )?comments?\W*$
        cancel reply|no comments?(?: yet)?
        (?:will not|won't|never) be (?:published|shared|displayed)
        required fields
        (?:up|down)vot(?:es?|ed)
        replying to|reply\W*$|says:$|wrote:$
        ^.{0,40}(?:\d+|an?|one|two|three) (?:seconds?|minutes?|mins?|hours?|hrs?|days?|weeks?|
            months?|years?) ago\W*$
        at \d\d?:\d\d ?(?:am|pm) ?(?:said|says)?
        notify me of
        permalink
        (?:flag|report) (?:as |this )?(?:inappropriate|abuse|spam|comment)
        (?:join|start) the (?:conversation|discussion|debate)
        have your say|what do you think\?
        (?:letter|letters) to the editor
        """,
    ),
    Cue(
        "teaser",
        "points to other articles",
        r"""
        (?:related|recommended|popular|trending|latest|similar|other|top|featured|further|
            recent|previous|next|editors?'?s?'?) (?:articles?|stories|story|posts?|news|reads?|
            reading|coverage|content|topics?|links?|picks?|headlines|videos?|galleries|searches|
            products?|recipes|reviews|episodes|entries|pages)
        more (?:from|on|about|like|in|by|to|stories|articles|news|posts|reading|coverage|videos|
            information|info|details|:).{0,40}$
        most (?:popular|read|viewed|shared|recent|watched|commented|emailed|discussed)
        ^(?:related|recommended|trending|popular|latest|featured|headlines|top stories|
            highlights|spotlight|sponsored)\W*$
        (?:read|see|find out|learn|click here|watch|discover|hear|view|show|load|explore|get|
            find) (?:the )?(?:more|next|also)
        (?:read|see|watch|view|full|listen to) (?:next|on|here|the full|the rest|the original|
            full|the latest|our|this|a)\W?.{0,60}$
        (?:also|must|further|now|what to|best|long) ?-?(?:read|watch|see|reads|reading)\W
        you (?:may|might|could|will|'ll|should)(?: also)? (?:be interested|like|enjoy|love|want|
            have missed)
        (?:in case you missed|icymi|up next|next up|also on|around the web|from the web|
            from around|across the web|elsewhere on|don'?t miss|what's (?:new|hot|next))
        (?:recommended|more|picks|stories|suggested|selected) for you
        (?:continue|keep) (?:reading|watching|scrolling)
        ^(?:previous|next|older|newer|prev)\s?:
        ^(?:previous|next|older|newer|prev) (?:article|post|story|entry|page|entries|posts|
            up)?\W*$
        (?:related|see also|read also|also read|read more|watch|listen|video|gallery|photos|
            in pictures|explainer|factbox|opinion|analysis|podcast|quiz|live|must read|
            exclusive|slideshow|recommended|more)\s?[:|»>(]
        \d+ ?-?min(?:ute)?s? ?-?(?:read|watch|listen)|(?:read|reading|watch) time
        (?:sponsored|partner|paid|promoted|branded) (?:content|stories|links|post|by)
        click (?:here|through|on|below|the link)
        (?:part|episode|chapter) \d+ of
        """,
    ),
    Cue(
        "legal",
        "legal notice",
        r"""
        copyright(?:ed|s)?
        some rights reserved
        ©|\(c\)
        all rights? (?:are )?reserved
        (?:terms|conditions) (?:of|and|&|apply)
        privacy(?: (?:policy|notice|statement|cent(?:re|er)|rights|terms|&|and|shield))?\W*$
        (?:privacy|cookie|refund|ethics|editorial|corrections?|comment|community|moderation|
            fact-?checking|accessibility) (?:policy|policies|guidelines|standards|statement|
            notice)
        (?:may not|cannot|not to|must not) be (?:published|reproduced|republished|copied|
            distributed|broadcast|duplicated|used)
        (?:reproduc|republi|redistribut|reprint)\w* (?:in|without|of|is|or|this|or)
        (?:prior|written|express) (?:written )?(?:permission|consent|authori[sz]ation)
        registered (?:trademark|office|in england|charity|company|no)
        trademarks?(?: of)?
        disclaimer
        protected by
        affiliate (?:links?|commission|program\w*|partner\w*|advertis\w*)
        (?:earn|receive|make|get) (?:an? )?(?:[\w-]+ )?(?:commission|compensation)
        terms (?:of use|of service|and conditions|& conditions|apply)
        (?:creative commons|cc by|licen[sc]ed under)
        (?:opinions?|views) (?:expressed|or|and|are)
        (?:not|isn't) (?:intended|responsible|liable|constitute|a substitute)
        (?:its|their|our) (?:affiliates|licensors|subsidiaries|sponsors|partners)
        by (?:clicking|continuing|using|submitting|registering|signing|subscribing|providing|
            checking|posting|accessing)
        recaptcha
        minimum of 15 minutes
        our standards
        """,
    ),
    Cue(
        "advertising",
        "advertisement",
        r"""
        advertis(?:ements?|ing|e with|e on|e here|ers?|e)
        sponsored(?: by)?
        (?:story|scroll|article|content|continue) (?:continues|reading|down|to|
            continued) (?:below|after|for|to)
        (?:buy|shop|order|book|pre-?order|get) (?:now|here|today|tickets|online|it now|yours|
            it (?:from|at|on))
        (?:promo|coupon|discount|voucher|gift) (?:codes?|cards?)
        (?:add|save) (?:[\w']+ ){0,3}to (?:your |my |the )?(?:cart|basket|bag|wishlist|favou?rites)
        (?:free|fast|next day) (?:shipping|delivery|download|quote|returns)
        \d+% off
        (?:best|great|daily|today's|top|gaming|black friday|hot) deals?
        (?:you(?:'ll| will)|we(?:'ll| will)) (?:love|send|deliver)
        check (?:price|availability)
        remove ads|ad-?free|ad-?blocker|ad feedback
        """,
    ),
    Cue(
        "promotion",
        "promotion",
        r"""
        (?:listen|tune in|watch) (?:to (?:our|the|this)|on|now|live|wherever|here|below|via)
        (?:our|the|latest|new|this|a|weekly|daily) (?:[\w'-]+ ){0,3}podcasts?
        podcasts?\W*$|apple podcasts?|spotify
        wherever you (?:get|listen|find)
        (?:register|rsvp|tickets?) (?:here|now|for (?:the|our)|available|on sale)
        (?:enter|chance|your chance) to win
        (?:giveaway|competition|sweepstakes)\W*$
        (?:join|check out|visit|explore|discover|browse|see|try) (?:our|us|the (?:conversation|
            community|club|rest)|thousands|over|more|[\d,]+)
        (?:take|complete) (?:our|the|this) (?:quiz|survey|poll)
        send us|let us know|get in touch|tell us|write to us|contact us|talk to us
        (?:do you have|got|have|send) (?:an?|any|your) (?:\w+ )?(?:story|tip|tips|news tip|
            question|questions|feedback|comment|opinion)
        (?:we want|we'd like|we would like|we'd love) to (?:hear|know|thank|invite)
        coming soon|stay tuned
        work with us|join our team|we(?:'re| are) hiring
        (?:pre-?)?order (?:your|the) (?:copy|book)
        learn how|discover how|find out how|ready to
        """,
    ),
    Cue(
        "author",
        "about the author",
        r"""
        (?:is|was) (?:an?|the|our|senior|staff|chief|currently|
            also) (?:[\w,'&-]+ ){0,7}(?:reporter|writer|editor|journalist|correspondent|
            columnist|contributor|blogger|freelancer|producer|author|critic|photographer|
            broadcaster|fellow|professor|(?:co-?)?founder|consultant|lecturer|enthusiast)
        (?:he|she|they|currently) (?:blogs|lives and works|writes|tweets|contributes)
        (?:his|her|their) (?:first|debut|latest|new|most recent) (?:book|novel|memoir)
        has (?:worked|written) (?:as|for)
        (?:writes|reports|blogs|wrote|tweets|covers|has written|has reported) (?:about|on|for|
            regularly|extensively|the)
        (?:he|she|they) (?:covers?|writes?|reports?|joined|lives? in|studied|
            specialis\w*|specializ\w*)
        (?:he|she|they|i) (?:can|may) be (?:reached|contacted|found)
        (?:reach|contact|e-?mail|follow|find) (?:him|her|me|them|the author|the reporter|
            the writer)
        about the (?:author|writer|reporter|contributor|editor)s?|about (?:me|us)
        (?:my|this) (?:\w+ )?(?:blog|website|site|channel|page) (?:is|has|was|about|where|for)
        (?:hi|hello|hey)(?: there)?[,!]? (?:i'm|i am|my name is|we're|we are)
        welcome to (?:my|our)|(?:glad|happy) you(?:'re| are|'ve| stopped| found| came)
        (?:view|see|read) (?:all|more)? ?(?:posts|articles|stories)? ?by
        (?:all |more )?(?:posts|articles|stories) by
        meet the (?:author|team|writer|editor)
        (?:the|an) author of
        (?:lives?|based|living) in (?:[\w-]+ ){1,4}with (?:his|her|their|my)
        (?:before|prior to) (?:joining|becoming a (?:writer|reporter|journalist))
        (?:graduated? (?:from|of|in)|degrees? (?:from|in))
        (?:years of|decade of) experience
        """,
    ),
    Cue(
        "contact",
        "contact details",
        r"""
        ^(?:contact|about|e-?mail|call|help|faq|faqs|careers?|jobs|advertise|support|feedback|
            press|sitemap|site map|rss|accessibility|terms|imprint|masthead|staff|our team|
            company|media kit)(?: us| our| me| team| center| centre| feed)?\W*$
        p\.? ?o\.? box
        (?:tel|phone|fax|telephone|mobile|call)\W{0,3}[+(\d]
        [\w.-]{1,60}@[\w-]{1,60}\.\w{2,10}
        customer (?:service|care|support)
        https?://\S{1,200}$|www\.\S{1,200}$
        """,
    ),
    Cue(
        "credit",
        "photo caption",
        r"""
        (?:photo|photos|photograph|photographs|image|images|picture|pictures|illustration|video|
            courtesy|graphic)s?(?: courtesy| credit| copyright| caption| source)? ?(?:by|of|via|
            from|:|/|©)
        (?:getty|reuters|shutterstock|istock|alamy|wikimedia|unsplash|pixabay|flickr|afp|
            associated press|ap photo|epa|bloomberg|press association|pa wire|instagram|
            nasa)(?: images?)?\W*$
        (?:getty images|ap photo|file photo|stock photo|press release|screenshot|screengrab|
            handout)
        (?:pictured|seen here|shown here|from left|left to right|\(left\)|\(right\)|\(l\)|\(r\)|
            \(center\))
        (?:enlarge|view|expand|click for|hide|toggle|show) (?:this )?(?:image|caption|photo|
            larger|gallery|fullscreen)
        (?:image|media|photo) (?:caption|copyright|source)\w*
        slideshow|gallery|\d+ (?:of|/) \d+\W*$
        """,
    ),
    Cue(
        "data",
        "prices or scores",
        r"""
        ^[\w$&/.' -]{1,30} [-+▲▼$£€]?\d[\d.,]*%? [-+▲▼(]{1,2} ?\d[\d.,]*%?\)?$
        ^[\w$&/.' -]{1,30} [-+▲▼] ?\d[\d.,]*%?$
        (?:quotes?|prices|market data|data)(?: (?:is|are))?(?: \w+)? delayed
        delayed (?:by )?(?:at least )?\d+ min(?:ute)?s
        ^(?:most active|gainers|losers|market movers|standings|fixtures|results|box score|
            live scores?|full[- ]time|half[- ]time|final)\W*$
        """,
    ),
    Cue(
        "navigation",
        "navigation",
        r"""
        (?:skip|jump|back|return|go|scroll) to (?:the )?(?:main|primary|top|content|navigation|
            search|home|homepage|footer|menu|article)
        (?:main|primary|mobile|site|user|open|close|toggle|show|hide|section|secondary|
            footer) ?(?:menu|navigation|search|sidebar|nav)
        ^(?:search|menu|home|homepage|close|breadcrumbs?|navigation|categories|archives?|tags?|
            topics?|sections?|page \d+|news|sports?|business|opinion|world|politics|
            entertainment|lifestyle|technology|tech|science|health|culture|weather|video|videos|
            photos|travel|food|obituaries|classifieds|events|local|more|about|arts|magazine|
            e-?paper|e-?edition)\W*$
        (?:all|browse|view|see) (?:categories|sections|topics|articles|all|posts|results)
        search (?:for|the|this|our|by|site|results)
        (?:table of )?contents\W*$
        page \d+ of \d+
        loading
        (?:enable|requires?|turn on) javascript
        your browser
        ^(?:play|pause|mute|unmute|volume|fullscreen|replay)\W*$
        (?:video|media|audio) (?:player|playback|is loading|unavailable)|playback
        (?:choose|select|change) (?:your |a |an )?(?:language|country|edition|region|location|
            option)
        (?:payment|paiment) methods?
        remind me later|not now|maybe later|no,? thanks
        ^(?:continue|next|previous|submit|send|once|monthly|annual|annually|yearly|weekly|ok|
            okay|yes|no|cancel|dismiss|got it|edit|print|download|report|embed|sort by|filter|
            view|share|save|like|apply|reset|go|post|preview|back|accept|agree|decline|x|
            learn more|read more)\W*$
        (?:filed|posted|published|tagged|categori[sz]ed|listed) (?:in|under|with|on)
        (?:tags|category|categories|topics|keywords|filed under|tagged|sections?|source|via|
            explore)\s?:
        """,
    ),
)
