"""The wheel, and what it gives to somebody who installs it with no extra."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

# The base install must hold its promise to services that want only the client.
HEAVY = {"torch", "transformers", "numpy", "click", "lxml"}


def run(*command, **options):
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, **options
    )


@pytest.fixture(scope="module")
def wheel(sources, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    done = run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", folder, sources)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("svodka-*.whl")
    return wheel


@pytest.fixture(scope="module")
def base_install(wheel, tmp_path_factory) -> Path:
    """The bin folder of a fresh environment with the wheel and no extra."""
    venv = tmp_path_factory.mktemp("base")
    assert run(sys.executable, "-m", "venv", venv).returncode == 0
    done = run(venv / "bin" / "pip", "install", wheel)
    assert done.returncode == 0, done.stderr
    return venv / "bin"


def test_it_holds_the_sources_and_their_data_and_nothing_else(wheel, sources):
    names = set(zipfile.ZipFile(wheel).namelist())
    packaged = {name for name in names if ".dist-info/" not in name}
    assert {name.split("/")[0] for name in packaged} == {"models", "service", "svodka"}

    expected = {
        str(path.relative_to(root))
        for root, package in [
            (sources, "models"),
            (sources, "service"),
            (sources / "proto", "svodka"),
        ]
        for path in (root / package).rglob("*")
        if path.is_file()
    }
    assert packaged == expected
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_base_install_gives_the_client_and_the_stubs_alone(base_install):
    code = "import service.client, svodka.v1.svodka_service_pb2_grpc, sys; print(*sys.modules)"
    done = run(base_install / "python", "-c", code)
    assert done.returncode == 0, done.stderr
    assert not HEAVY & set(done.stdout.split())


def test_the_base_install_says_what_its_command_line_needs(base_install):
    done = run(base_install / "svodka", "--help")
    assert done.returncode != 0
    assert "pip install 'svodka[" in done.stderr
    assert "Traceback" not in done.stderr
