"""Article dumps: every record ends as one line of the output or one of the errors.

A record's path, one module a station: ``inputs`` (which files), ``opening`` (their
bytes), ``readers`` (their records), ``mapping`` (which field is the text),
``reading`` (ahead of the computing), ``computing`` or ``servers`` (its digest),
``outputs`` (its line), and around it ``completion`` (what is done already),
``manifest`` (with what), ``progress`` (how far), ``index`` (what only the whole dump
tells: ``boilerplate`` and ``copies``) and ``answers`` (for copies). ``run`` is the loop
through all of it.

It knows nothing of models: those are the pipeline's business, or the servers'.
"""
