"""What deploy/ says is what the product has: schemas, flags, metrics, alert rules."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

from fake_pipeline import FakePipeline
from service.cli.app import app
from service.rpc.metrics import Metrics, families

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
KUBERNETES = DEPLOY / "kubernetes" / "svodka.yaml"
COMPOSE = DEPLOY / "compose.yaml"
ALERTS = DEPLOY / "prometheus" / "alerts.yaml"


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_kubernetes_manifests_follow_its_schemas():
    tool = Path(sys.executable).with_name("kubernetes-validate")
    run(str(tool), "--strict", str(KUBERNETES))


def test_the_compose_file_follows_its_schema():
    tool = Path(sys.executable).with_name("check-jsonschema")
    run(str(tool), "--builtin-schema", "vendor.compose-spec", str(COMPOSE))


def test_the_alert_rules_pass_their_own_linter():
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("promtool is not installed (Debian's package prometheus has it)")
    run(tool, "check", "rules", str(ALERTS))
    run(tool, "check", "config", str(DEPLOY / "prometheus" / "prometheus.yaml"))


def pods() -> dict[str, dict]:
    (deployment,) = (
        part for part in yaml.safe_load_all(KUBERNETES.read_text()) if part["kind"] == "Deployment"
    )
    return deployment["spec"]["template"]["spec"]


def commands() -> list[list[str]]:
    """Every command line of svodka in the manifests."""
    pod = pods()
    inside = [c["args"] for c in (*pod["initContainers"], *pod["containers"])]
    return [*inside, yaml.safe_load(COMPOSE.read_text())["services"]["svodka"]["command"]]


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_is_one_that_svodka_understands(command):
    """Parsed by the real commands; nothing is run."""
    context: click.Context = click.Context(app)
    rest, target = list(command), app
    while isinstance(target, click.Group):
        name, target, rest = target.resolve_command(context, rest)
        assert target is not None, name
    target.make_context(command[0], rest)


def test_pods_run_without_rights_on_a_read_only_disk():
    pod = pods()
    assert pod["securityContext"]["runAsNonRoot"]
    for container in (*pod["initContainers"], *pod["containers"]):
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]


def test_what_is_accepted_has_time_to_finish():
    pod = pods()
    (server,) = pod["containers"]
    (grace,) = (a.partition("=")[2] for a in server["args"] if a.startswith("--grace"))
    assert pod["terminationGracePeriodSeconds"] > float(grace)


def test_alerts_speak_of_metrics_that_there_are():
    spoken = {
        name
        for group in yaml.safe_load(ALERTS.read_text())["groups"]
        for rule in group["rules"]
        for name in re.findall(r"svodka_\w+", rule["expr"])
    }
    known = [*Metrics().registry.collect(), *families(FakePipeline().stats())]
    names = {f"{family.name}{end}" for family in known for end in ("", "_total", "_count")}
    assert spoken <= names
    alerts = re.findall(r"alert: (\w+)", ALERTS.read_text())
    operations = (DEPLOY.parent / "docs" / "operations.md").read_text("utf-8")
    assert not [alert for alert in alerts if f"`{alert}`" not in operations]
