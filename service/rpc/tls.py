"""The server's certificate, and whose certificates it takes.

Files are looked at at each new connection, and read again when one has changed,
so a certificate is replaced without a restart; connections that stand keep
theirs. While the files are half replaced, the old certificate goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import grpc

from service.errors import SvodkaError
from service.rpc.following import stamp

_logger = logging.getLogger(__name__)


class TlsInvalid(SvodkaError):
    """A certificate or key cannot be used; the message says which."""

    reason = "TLS_INVALID"


@dataclass(frozen=True)
class Tls:
    """PEM files: our chain and key, and the authorities whose clients we take (mTLS)."""

    certificate: Path
    key: Path
    client_ca: Path | None = None

    def credentials(self) -> grpc.ServerCredentials:
        """Return credentials that follow the files. Raises TlsInvalid for bad ones now."""
        follower = _Follower(self)
        changed = cast("Callable[[], grpc.ServerCertificateConfiguration]", follower.changed)
        return grpc.dynamic_ssl_server_credentials(
            follower.initial, changed, self.client_ca is not None
        )

    def read(self) -> grpc.ServerCertificateConfiguration:
        """Return what the files hold now. Raises TlsInvalid."""
        chain, key = _pem(self.certificate, "CERTIFICATE"), _pem(self.key, "PRIVATE KEY")
        roots = None if self.client_ca is None else _pem(self.client_ca, "CERTIFICATE")
        return grpc.ssl_server_certificate_configuration([(key, chain)], roots)

    def stamp(self) -> object:
        """Return what changes when a file does."""
        return stamp(self.certificate, self.key, self.client_ca)


class _Follower:
    """Hands the transport a new certificate whenever the files have changed."""

    def __init__(self, tls: Tls) -> None:
        self._tls = tls
        self.initial = tls.read()
        self._stamp = tls.stamp()

    def changed(self) -> grpc.ServerCertificateConfiguration | None:
        """Called by the transport, in a thread of its own, at each new connection; None: no."""
        now = self._tls.stamp()
        if now == self._stamp:
            return None
        try:
            fresh = self._tls.read()
        except TlsInvalid as error:
            _logger.error("the certificate stays as it was: %s", error)
            return None
        self._stamp = now
        _logger.info("the certificate was read again")
        return fresh


def _pem(path: Path, kind: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TlsInvalid(f"{path} cannot be read: {error.strerror}") from error
    if f"{kind}-----".encode() not in content:
        raise TlsInvalid(f"{path} holds no {kind.lower()} in PEM form")
    return content
