"""The command line. ``main`` is the console script ``svodka``.

The base install has no command line of its own, only the client library, so
the first thing here is to say so; the commands are in ``service.cli.app``.
"""

import sys


def main() -> None:
    """Run the command line and exit with its code (see ``service.cli.app``)."""
    try:
        import click  # noqa: F401
    except ModuleNotFoundError:
        sys.exit("svodka: the command line is not installed; try: pip install 'svodka[starter]'")
    from service.cli.app import run

    sys.exit(run(sys.argv[1:]))
