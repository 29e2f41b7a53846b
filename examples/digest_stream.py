"""Many articles on one stream, each answer printed as it comes, one JSON object a line.

    svodka serve &
    python examples/digest_stream.py samples/*.txt

What to know about DigestStream:
  * Answers come in the order they are finished. request_id ties them to their questions.
  * An article that fails is answered with an error; the stream goes on.
  * The server reads only as much as it can work on, so sending waits by itself.
  * When the server has to stop, the stream ends UNAVAILABLE. What was not answered
    is safe to send again; this example does, a few times.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import grpc

from svodka.v1 import svodka_service_pb2 as pb
from svodka.v1.svodka_service_pb2_grpc import SvodkaServiceStub

ATTEMPTS = 4


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description="Digest many articles on one stream.")
    parser.add_argument("files", type=Path, nargs="+", help="plain text, UTF-8")
    parser.add_argument("--server", default="127.0.0.1:50051", metavar="HOST:PORT")
    options = parser.parse_args()

    unanswered = {str(path): path for path in options.files}
    failed = 0
    with grpc.insecure_channel(options.server) as channel:
        stub = SvodkaServiceStub(channel)
        for attempt in range(ATTEMPTS):
            try:
                for response in stub.DigestStream(questions(list(unanswered.values()))):
                    unanswered.pop(response.request_id, None)
                    failed += print_answer(response)
                break
            except grpc.RpcError as error:
                print(f"{options.server}: {error.code().name}: {error.details()}", file=sys.stderr)
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    return 1
                time.sleep(2**attempt / 10)
        else:
            print(
                f"gave up on {options.server}; is `svodka serve` running and warm?",
                file=sys.stderr,
            )
    return 1 if failed or unanswered else 0


def questions(paths: list[Path]) -> Iterator[pb.DigestStreamRequest]:
    """Grpc takes the next one only when there is room for it on the way."""
    for path in paths:
        text = path.read_text(encoding="utf-8", errors="replace")
        request = pb.DigestRequest(article=pb.Article(id=path.name, text=text))
        yield pb.DigestStreamRequest(request_id=str(path), request=request)


def print_answer(response: pb.DigestStreamResponse) -> bool:
    """Prints one answer; whether it is an error."""
    if response.WhichOneof("result") == "error":
        print(f"{response.request_id}: {response.error.message}", file=sys.stderr)
        return True
    digest = {"id": response.request_id, "summary_ru": response.digest.summary_ru}
    print(json.dumps(digest, ensure_ascii=False), flush=True)
    return False


if __name__ == "__main__":
    sys.exit(main())
