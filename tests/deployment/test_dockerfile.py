"""The Dockerfile's own steps, carried out without Docker in a fresh environment.

What RUN, COPY, ENV, HEALTHCHECK, ENTRYPOINT and CMD say is done in a folder that
stands for the image's root, so a step that does not work fails here. What needs a
real image (the base, the user, the volume) is checked by reading.
"""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "Dockerfile"
# Every absolute folder the file makes; each lies in the test's folder instead.
FOLDERS = re.compile(r"/(?:opt/svodka|src|var/cache/svodka)\b")
START_SECONDS = 300  # what HEALTHCHECK's start period allows


class Step(NamedTuple):
    word: str
    rest: str


def read_steps() -> list[Step]:
    """The file's instructions, continued lines joined, in order."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    text = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [Step(*line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


STEPS = read_steps()


def last(word: str) -> str:
    return [step.rest for step in STEPS if step.word == word][-1]


def test_the_linter_finds_nothing():
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_server_is_nobody_in_particular_and_keeps_its_models_on_a_volume():
    assert int(last("USER")) >= 1000
    assert f"SVODKA_CACHE={last('VOLUME')}" in last("ENV").split()
    assert json.loads(last("CMD"))[2].endswith(f":{last('EXPOSE')}")


class Image(NamedTuple):
    root: Path
    env: dict[str, str]

    def place(self, text: str) -> str:
        """The image's folders in ``text``, moved under the test's."""
        return FOLDERS.sub(lambda found: f"{self.root}{found[0]}", text)


@pytest.fixture(scope="module")
def image(sources, tmp_path_factory) -> Image:
    """The root of an "image" after all its COPY and RUN steps, and its environment."""
    python = Path(sys.executable).parent
    image = Image(tmp_path_factory.mktemp("image"), {"PATH": f"{python}:{os.environ['PATH']}"})
    # pip's index and cache are the host's own here, and torch's build with them.
    pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    build = {**image.env, **pip, "HOME": os.environ.get("HOME", "/"), "EXTRA": "starter"}
    build["TORCH_INDEX"] = ""
    folder = image.root
    for word, rest in STEPS:
        if word == "WORKDIR":
            folder = Path(image.place(rest))
            folder.mkdir(parents=True)
        elif word == "COPY" and not rest.startswith("--from"):
            copy_sources(sources, rest, folder)
        elif word == "RUN" and not rest.startswith("useradd"):
            done = subprocess.run(
                image.place(rest), shell=True, cwd=folder, env=build,
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, f"RUN {rest}\n{done.stderr}"
        elif word == "ENV" and "svodka" in rest:
            for setting in shlex.split(image.place(rest)):
                name, value = setting.split("=", 1)
                image.env[name] = value.replace("$PATH", image.env.get("PATH", ""))
    return image


def copy_sources(sources: Path, rest: str, folder: Path) -> None:
    """COPY from the build context: ``sources`` is what .dockerignore leaves of it."""
    name, target = rest.split()
    assert target == "."
    if name == ".":
        shutil.copytree(sources, folder, dirs_exist_ok=True)
    else:
        shutil.copy(sources / name, folder)


@pytest.mark.slow
def test_the_container_starts_becomes_healthy_and_stops(image):
    volume = Path(image.env["SVODKA_CACHE"])
    volume.parent.mkdir(parents=True)
    if kept := os.environ.get("SVODKA_CACHE"):  # a volume with a model already built
        Path(kept).mkdir(parents=True, exist_ok=True)
        volume.symlink_to(kept)
    else:
        volume.mkdir()

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [*json.loads(last("ENTRYPOINT")), *json.loads(last("CMD"))]
    command = [part.replace("0.0.0.0:50051", f"127.0.0.1:{port}") for part in command]
    probe = json.loads(last("HEALTHCHECK").partition("CMD ")[2].replace("50051", str(port)))
    env = {**image.env, "HOME": "/nonexistent"}

    log = image.root / "log"
    with log.open("wb") as stderr:
        server = subprocess.Popen(
            [find(command[0], env), *command[1:]], cwd="/", env=env, stderr=stderr
        )
        try:
            deadline = time.monotonic() + START_SECONDS
            while subprocess.run(
                [find(probe[0], env), *probe[1:]],
                cwd="/",
                env=env,
                capture_output=True,
                check=False,
            ).returncode:
                assert server.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(1)
            server.send_signal(signal.Signals[last("STOPSIGNAL")])
            assert server.wait(timeout=60) == 0, log.read_text()
        finally:
            server.kill()
            server.wait()


def find(program: str, env: dict[str, str]) -> str:
    """``program`` on the image's own PATH."""
    path = shutil.which(program, path=env["PATH"])
    assert path is not None, program
    return path
