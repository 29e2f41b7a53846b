"""The committed stubs are what the committed .proto makes."""

import subprocess
import sys
from pathlib import Path

import pytest

PROTO = Path(__file__).parents[2] / "proto"
SOURCE = "svodka/v1/svodka_service.proto"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("stubs")
    outputs = [f"--{kind}_out={folder}" for kind in ("python", "pyi", "grpc_python")]
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTO}", *outputs, SOURCE], check=True
    )
    return folder


@pytest.mark.parametrize("suffix", ["_pb2.py", "_pb2.pyi", "_pb2_grpc.py"])
def test_the_stubs_are_fresh(fresh, suffix):
    name = SOURCE.removesuffix(".proto") + suffix
    assert (PROTO / name).read_text() == (fresh / name).read_text(), "run: make proto"


def test_proto_is_a_source_root_and_no_package():
    # A package of this name would shadow others' `proto` for everybody who installs us.
    assert not (PROTO / "__init__.py").exists()
