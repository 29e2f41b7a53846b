"""``python -m service.cli`` is ``svodka``."""

from service.cli import main

main()
