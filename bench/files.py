"""A server's certificate and tokens, which change while it runs, and how their owners come in."""

from __future__ import annotations

import secrets
from hashlib import sha256
from pathlib import Path

import trustme

from service.client import Access

WRITE_TIMEOUT = 5.0  # seconds, as the server is told


class Files:
    """The server's certificate and tokens, which change while it runs."""

    OWNERS = ("newsroom", "archive", "hasty", "guest")

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self.ca = folder / "ca.crt"
        self.certificate = folder / "server.crt"
        self.key = folder / "server.key"
        self.tokens = folder / "tokens.toml"
        self._secrets = {owner: secrets.token_hex(16) for owner in self.OWNERS}
        self.ca.write_bytes(self._authority.cert_pem.bytes())
        self.new_certificate()
        self.write_tokens()

    def access(self, owner: str) -> Access:
        """How ``owner`` comes in."""
        return Access(ca=self.ca, token=self._secrets[owner])

    def new_certificate(self) -> None:
        """Put another certificate in the place of the old."""
        issued = self._authority.issue_cert("127.0.0.1")
        self.certificate.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        self.key.write_bytes(issued.private_key_pem.bytes())

    def half_a_certificate(self) -> None:
        """Leave a key that does not fit; the old pair goes on."""
        self.key.write_bytes(self._authority.issue_cert("127.0.0.1").private_key_pem.bytes())

    def write_tokens(self, *, guest: bool = False, broken: bool = False) -> None:
        """Let everybody in but the guest, who comes and goes; or break the file."""
        allowances = {
            "newsroom": "",
            "archive": 'priority = "BULK"\nrpcs = ["DigestStream", "GetServerInfo"]\n',
            "hasty": "rate = 0.5\ncalls = 2\n",
            "guest": "",
        }
        tables = [
            f'[{owner}]\nsha256 = "{sha256(self._secrets[owner].encode()).hexdigest()}"\n{more}'
            for owner, more in allowances.items()
            if guest or owner != "guest"
        ]
        self.tokens.write_text("\n".join(tables) + ("\n[broken" if broken else ""))

    def flags(self) -> list[str]:
        """What tells the server of all this."""
        return [
            "--tls-cert", str(self.certificate), "--tls-key", str(self.key),
            "--tokens", str(self.tokens), "--write-timeout", str(WRITE_TIMEOUT),
        ]  # fmt: skip
