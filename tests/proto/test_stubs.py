"""The committed stubs are what the .proto makes, and the .proto keeps the rules."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STUBS = ("svodka_service_pb2.py", "svodka_service_pb2.pyi", "svodka_service_pb2_grpc.py")


@pytest.fixture(scope="module")
def regenerated(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("stubs")
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I", "proto"]
    outs = [f"--{kind}_out={out}" for kind in ("python", "pyi", "grpc_python")]
    subprocess.run([*command, *outs, "proto/svodka/v1/svodka_service.proto"], cwd=ROOT, check=True)
    return out / "svodka" / "v1"


@pytest.mark.parametrize("name", STUBS)
def test_the_stubs_are_fresh(regenerated, name):
    committed = ROOT / "proto" / "svodka" / "v1" / name
    assert (regenerated / name).read_text() == committed.read_text(), "run `make proto`"


def test_the_generator_is_the_pinned_one():
    """Its version is the oldest grpcio a client may have, so it is not raised by chance."""
    assert version("grpcio-tools") == "1.76.0"


def test_the_contract_passes_buf_lint():
    buf = shutil.which("buf", path=str(Path(sys.executable).parent)) or shutil.which("buf")
    assert buf, "buf is missing; install the dev extra"
    done = subprocess.run([buf, "lint"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_contract_needs_no_other_file_than_protobufs_own():
    text = (ROOT / "proto" / "svodka" / "v1" / "svodka_service.proto").read_text()
    imports = [line.split('"')[1] for line in text.splitlines() if line.startswith("import ")]
    assert imports
    assert all(name.startswith("google/protobuf/") for name in imports)


def test_proto_is_a_source_root_and_no_package():
    assert not (ROOT / "proto" / "__init__.py").exists()
