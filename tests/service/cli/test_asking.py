"""Commands that ask a server with TLS and tokens, over a real socket."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest
import trustme

from fake_pipeline import Running, running
from service.cli import app
from service.rpc.tls import Tls

TOKEN = "apple-7"


@pytest.fixture
async def locked(tmp_path: Path) -> AsyncIterator[Running]:
    """A server that takes clients with a certificate and a token; the files lie in ``tmp_path``."""
    authority = trustme.CA()
    for name, issued in (
        ("server", authority.issue_cert("127.0.0.1")),
        ("client", authority.issue_cert("newsroom.example")),
    ):
        chain = b"".join(pem.bytes() for pem in issued.cert_chain_pems)
        (tmp_path / f"{name}.crt").write_bytes(chain)
        (tmp_path / f"{name}.key").write_bytes(issued.private_key_pem.bytes())
    (tmp_path / "ca.crt").write_bytes(authority.cert_pem.bytes())
    (tmp_path / "token").write_text(f"{TOKEN}\nthe newsroom's\n")
    (tmp_path / "wrong").write_text("plum\n")
    (tmp_path / "story.txt").write_text("It rained all day.")
    tokens = tmp_path / "tokens.toml"
    tokens.write_text(f'[newsroom]\nsha256 = "{sha256(TOKEN.encode()).hexdigest()}"\n')
    tls = Tls(tmp_path / "server.crt", tmp_path / "server.key", tmp_path / "ca.crt")
    async with running(tls=tls, tokens=tokens) as server:
        yield server


async def svodka(folder: Path, server: Running, command: str, *flags: str) -> tuple[int, str, str]:
    """Run a command with the server's certificate and ours; its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "service.cli", command, "story.txt", "--server", server.address),
        *("--tls-ca", "ca.crt", "--client-cert", "client.crt", "--client-key", "client.key"),
        *flags,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, said = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), said.decode()


@pytest.mark.parametrize("command", ["digest", "summarize", "translate"])
async def test_each_command_comes_in_with_certificate_and_token(locked, tmp_path, command):
    code, out, said = await svodka(tmp_path, locked, command, "--token-file", "token")
    assert code == 0, said
    assert "It rained all day." in out


@pytest.mark.parametrize("flags", [(), ("--token-file", "wrong")])
async def test_without_the_right_token_it_is_one_clear_line(locked, tmp_path, flags):
    code, out, said = await svodka(tmp_path, locked, "digest", *flags)
    assert (code, out) == (1, "")
    assert "token" in said.lower()
    assert "Traceback" not in said
    assert "plum" not in said


@pytest.mark.parametrize("command", ["digest", "summarize", "translate", "batch"])
@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--client-cert", "pem"], "--client-key go together"),
        (["--token-file", "empty"], "wants a token in its first line"),
        (["--token-file", "russian"], "wants a token in its first line"),
        (["--token-file", "nowhere"], "does not exist"),
    ],
)
def test_wrong_files_are_wrong_usage(command, flags, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name, content in (("pem", "x"), ("empty", "\n"), ("russian", "токен")):
        Path(name).write_text(content, "utf-8")
    Path("story.jsonl").write_text('{"text": "It rained."}')
    output = ["-o", "out.jsonl"] if command == "batch" else []
    assert app.run([command, "story.jsonl", "--server", "localhost:1", *output, *flags]) == 2
    assert says in capsys.readouterr().err
