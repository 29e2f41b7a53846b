"""Which parts of a page are the article, and which are the site's.

Text or HTML in, paragraphs out, each kept or dropped with a reason and a
place in the input. It is pure and safe to run in worker processes: nothing is
fetched, nothing is remembered, and what is kept is never rewritten.
"""

from service.cleaning.article import clean_article
from service.cleaning.document import Cleaned, Paragraph
from service.cleaning.page import clean_html
from service.cleaning.text import clean_text, keep_all

__all__ = ["Cleaned", "Paragraph", "clean_article", "clean_html", "clean_text", "keep_all"]
