"""The alerts of a running system: none in health, the right ones in a fault, and none again after it."""

import json
import time
import urllib.request

from project import expect, run, wait

# Containers that are missing for minutes, and an alert that has to fire then.
FAULTS = (
    (("introspect-1",), "UsherProcessDown"),
    (("introspect-1", "introspect-2"), "UsherAllSidecarsDown"),
    (("admin-1", "admin-2"), "UsherAllAdminsDown"),
    (("redis",), "UsherRevocationLogUnread"),
    (("postgres",), "UsherRevocationsLate"),
)


def current(*states):
    with urllib.request.urlopen("http://127.0.0.1:9090/api/v1/alerts", timeout=10) as response:
        found = json.load(response)["data"]["alerts"]
    return sorted({alert["labels"]["alertname"] for alert in found if alert["state"] in states})


def begin(project):
    """The alert of too many epochs looks back for six hours, and rightly fires after all these restarts."""
    project.compose("rm", "--stop", "--force", "prometheus")
    run("docker", "volume", "rm", f"{project.name}_prometheus")
    project.compose("up", "--detach", "--no-deps", "--wait", "prometheus")
    wait(is_watching, 60, "Prometheus has no sample of every target")


def is_watching():
    try:
        with urllib.request.urlopen("http://127.0.0.1:9090/api/v1/query?query=count(up==1)", timeout=10) as response:
            found = json.load(response)["data"]["result"]
    except OSError:
        return False
    return bool(found) and found[0]["value"][1] == "5"


def none_in_health(minutes):
    """At no time between, every ten seconds."""
    end = time.monotonic() + 60 * minutes
    while True:
        found = current("firing", "pending")
        expect(not found, f"alerts of a healthy system: {', '.join(found)}")
        if time.monotonic() >= end:
            return
        time.sleep(10)


def fault(project, services, expected):
    """Prints what fires while they are missing. Afterwards everything ends that began."""
    started = time.monotonic()
    for service in services:
        run("docker", "stop", project.container(service))
    wait(lambda: expected in current("firing"), 300, f"{expected} does not fire without {', '.join(services)}")
    print(f"| {', '.join(services)} | {time.monotonic() - started:.0f} s | {', '.join(current('firing'))} |", flush=True)
    for service in services:
        run("docker", "start", project.container(service))
        project.wait_healthy(service)
    wait(lambda: not current("firing"), 900, f"{', '.join(current('firing'))} fires after the end of the fault")


def each_fault(project):
    print("| missing | first alert as expected after | firing then |\n|---|---|---|", flush=True)
    for services, expected in FAULTS:
        fault(project, services, expected)
