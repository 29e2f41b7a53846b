"""One article from a file to a Russian digest, with nothing but grpc and the stubs.

    svodka serve &
    python examples/digest.py samples/nato-2014.txt
    python examples/digest.py page.html --server 127.0.0.1:50051

The stubs come with `pip install svodka`; from another project, generate them
from proto/svodka/v1/svodka_service.proto, which needs no other file.
"""

import argparse
import sys
from pathlib import Path

import grpc

from svodka.v1 import svodka_service_pb2 as pb
from svodka.v1.svodka_service_pb2_grpc import SvodkaServiceStub


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description="Digest one article.")
    parser.add_argument("file", type=Path, help="plain text, or HTML if it ends in .html")
    parser.add_argument("--server", default="127.0.0.1:50051", metavar="HOST:PORT")
    options = parser.parse_args()

    try:
        content = options.file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        print(f"cannot read {options.file}: {error}", file=sys.stderr)
        return 1
    # The body is a oneof: text or html. Of a page, only the story is digested.
    body = {"html" if options.file.suffix in (".html", ".htm") else "text": content}
    request = pb.DigestRequest(
        article=pb.Article(id=options.file.name, **body),
        summary=pb.SummaryOptions(max_sentences=3),
    )

    # An answer holds texts, too; the default limit of 4 MB is little for long articles.
    channel_options = [("grpc.max_receive_message_length", 64 * 1024 * 1024)]
    with grpc.insecure_channel(options.server, options=channel_options) as channel:
        try:
            # Always set a deadline: without one, a lost answer is waited for for ever.
            digest = SvodkaServiceStub(channel).Digest(request, timeout=300)
        except grpc.RpcError as error:
            print(explain(error, options.server), file=sys.stderr)
            return 1

    print(digest.headline_ru or digest.headline_en)
    print()
    print(digest.summary_ru)
    for finding in digest.findings:
        severity = pb.Severity.Name(finding.severity).removeprefix("SEVERITY_").lower()
        print(f"{severity}: {finding.field}: {finding.message}", file=sys.stderr)
    return 0


def explain(error: grpc.RpcError, server: str) -> str:
    """What to tell a person. The trailer has the details (google.rpc) for a program."""
    if error.code() is grpc.StatusCode.UNAVAILABLE:
        return f"no answer from {server}: {error.details()} (is `svodka serve` running and warm?)"
    return f"{error.code().name}: {error.details()}"


if __name__ == "__main__":
    sys.exit(main())
