"""The trial itself: trial.py FOLDER MINUTES, in the namespaces of the engine. Prints each step and the table of failed requests.

MINUTES is how long the alerts are watched in health, before each fault; 0 watches them in passing only.
"""

import sys
import time
from pathlib import Path

import alerts
import development
import events
import production
from project import Failed, Project, environment, expect, run, wait
from viewer import whole_flow

SETTINGS = {
    "COMPOSE_PROJECT_NAME": "usher",
    "USHER_PUBLIC_URL": "http://127.0.0.1:8080",
    "USHER_TRUSTED_PROXIES": "none",
    "USHER_LISTEN": "127.0.0.1:8080",
}
CINEMA = """\
services:
  films:
    image: usher-trial/origin
    networks: {cinema: {aliases: [origin]}}
networks:
  cinema: {external: true}
"""


def step(sentence, action, *arguments):
    started = time.monotonic()
    action(*arguments)
    print(f"ok      {sentence} ({time.monotonic() - started:.0f} s)", flush=True)


def cinema(folder, project):
    """The cinema's own services, in a project beside this one."""
    file = Path(folder, "cinema.yaml")
    file.write_text(CINEMA)
    run(str(project.program), "--project-name", "films", "-f", str(file), "up", "--detach", "--wait")
    # nginx looks the name up every five seconds.
    wait(lambda: project.request("/api/v1/genres/")[0] == 200, 15, "the gateway does not find the origin")


def table(project):
    """The rows, printed as they come. At the end it fails if one has a failure that it may not have."""
    bad = []
    print("| event | container | requests | failed | which | slowest | over 1 s |\n|---|---|---|---|---|---|---|", flush=True)
    for what, service, result, failed in events.events(project):
        row = "| " + " | ".join([what, service, *result.cells()]) + " |"
        print(row, flush=True)
        if failed:
            bad.append(row)
    expect(not bad, "requests failed that may not fail:\n" + "\n".join(bad))


def main(folder, minutes):
    environment(folder)
    project = Project(folder, Path(folder, "a clone"), ["compose.yaml"], SETTINGS)
    dev = Project(folder, Path(folder, "another"), ["compose.yaml", "compose.dev.yaml"], development.SETTINGS)
    step("what is missing or taken is said in sentences", production.what_is_missing, project)
    step("the images of production build", project.compose, "build")
    step("folders in the images have their owners and modes", production.images_have_their_modes, project)
    step("PostgreSQL is never healthy without the database", production.no_database_without_its_file, project)
    step("production starts, no container is root, a superuser signs in", production.starts, project)
    step("a second project joins the network `cinema`", cinema, folder, project)
    step("the whole flow: register, sign in, a film, sign out, refused", whole_flow, project)
    step("health checks write no line into the gateway's log", production.health_checks_write_no_line, project)
    step("a proxy on this machine may say which client it is", production.a_proxy_on_this_machine_is_believed, project)
    step("the gateway ends TLS itself", production.tls_in_the_gateway, project)
    step("the links of the alerts open their runbooks", production.runbooks_open, project)
    dev.write_settings()
    step("the images of development build", dev.compose, "build")
    step("development starts beside it, on other ports", development.starts, dev)
    Path(folder, "browser").mkdir(exist_ok=True)
    step("sign-ins at mock providers in Chromium, before and after restarts", development.sign_ins, dev, Path(folder, "browser"))
    step("the origin stops at SIGTERM", development.the_origin_stops, dev)
    step("development leaves nothing", production.leaves_nothing, dev)
    # Those of the start, if the machine was busy.
    step("no alert of production fires, or is about to", wait, lambda: not alerts.current("firing", "pending"), 300,
         "an alert fires in a healthy system")
    table(project)
    step("lost secrets are replaced", production.lost_secrets, project)
    if minutes:
        step("Prometheus starts again, without the events above", alerts.begin, project)
        step(f"no alert fires, or is about to, in {minutes} minutes of health", alerts.none_in_health, minutes)
        step("the right alerts fire in each fault, and end after it", alerts.each_fault, project)
    run(str(project.program), "--project-name", "films", "-f", str(Path(folder, "cinema.yaml")), "down")
    step("production leaves nothing", production.leaves_nothing, project)


try:
    main(sys.argv[1], int(sys.argv[2]))
except Failed as why:
    print(f"WRONG   {why}", flush=True)
    sys.exit(1)
