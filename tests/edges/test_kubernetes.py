"""What Kubernetes is told agrees with what the services do."""

import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml

BASE = Path(__file__).parents[2] / "k8s" / "base"
SERVICES = ["gateway", "pricing", "recsys", "search", "vision"]


def read(service: str, name: str) -> Any:
    return yaml.safe_load((BASE / service / name).read_text())


def test_every_service_has_its_folder() -> None:
    assert sorted(path.name for path in BASE.iterdir() if path.is_dir()) == SERVICES


@pytest.mark.parametrize("service", SERVICES)
def test_ports_and_probes_are_those_of_the_service(service: str) -> None:
    config = importlib.import_module(f"services.{service}.config").Config()
    (container,) = read(service, "deployment.yaml")["spec"]["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"grpc": config.port, "metrics": config.metrics_port}
    for probe in ("startup", "readiness", "liveness"):
        assert container[f"{probe}Probe"]["grpc"] == {"port": config.port, "service": probe}
    assert container["args"] == ["run", service]


@pytest.mark.parametrize("service", SERVICES)
def test_services_are_headless_and_select_their_pods(service: str) -> None:
    spec = read(service, "service.yaml")["spec"]
    labels = read(service, "deployment.yaml")["spec"]["template"]["metadata"]["labels"]
    assert spec["clusterIP"] == "None"
    assert spec["selector"].items() <= labels.items()


@pytest.mark.parametrize("service", SERVICES)
def test_a_pod_may_drain_before_it_is_killed(service: str) -> None:
    config = importlib.import_module(f"services.{service}.config").Config()
    pod = read(service, "deployment.yaml")["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] > config.drain_seconds + config.grace_seconds


def test_the_gateway_finds_each_service_under_its_name_and_port() -> None:
    (container,) = read("gateway", "deployment.yaml")["spec"]["template"]["spec"]["containers"]
    told = {entry["name"]: entry["value"] for entry in container["env"]}
    for service in sorted({*SERVICES} - {"gateway"}):
        (port,) = read(service, "service.yaml")["spec"]["ports"]
        assert told[f"AISLE_GATEWAY_{service.upper()}_TARGET"] == f"dns:///{service}:{port['port']}"
