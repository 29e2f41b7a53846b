"""An article's journey: prepare → schedule → compute → join → verify → reply.

``Pipeline`` is the whole of it behind three coroutines, ``digest``,
``summarize`` and ``translate``; the server, the command line and the batch
runner all stand on it. ``Terms`` says on what terms a request is served.
"""

from service.pipeline.pipeline import Pipeline
from service.pipeline.terms import Terms

__all__ = ["Pipeline", "Terms"]
