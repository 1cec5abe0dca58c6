"""compose.dev.yaml beside the production project: other ports, mock providers in a real browser, restarts."""

import time

from browser import Browser, sign_in_and_out
from project import expect, wait
from viewer import Viewer

URL = "http://127.0.0.1:8088"
SETTINGS = {
    "COMPOSE_PROJECT_NAME": "usher-dev",
    "USHER_PUBLIC_URL": URL,
    "USHER_TRUSTED_PROXIES": "none",
    "USHER_LISTEN": "127.0.0.1:8088",
    "USHER_EDGE": "10.213.77",
    "USHER_GRAFANA_LISTEN": "127.0.0.1:3001",
    "USHER_PROMETHEUS_LISTEN": "127.0.0.1:9091",
    "USHER_JAEGER_LISTEN": "127.0.0.1:16687",
    "USHER_DEV_ADMIN": "127.0.0.1:8011",
    "USHER_DEV_ADMIN_OPS": "127.0.0.1:9011",
    "USHER_DEV_POSTGRES": "127.0.0.1:5442",
    "USHER_DEV_REDIS": "127.0.0.1:6389",
    "USHER_DEV_MAIL": "127.0.0.1:8035",
    "USHER_DEV_PROVIDERS_PORT": "8098",
}


def starts(project):
    project.write_settings()
    project.script("secrets")
    project.script("containers/check")
    project.compose("up", "--detach", "--wait")
    project.wait_healthy("admin")
    viewer = Viewer(project).sign_up().sign_in()
    answer = viewer.sees_a_film()
    expect(answer["films"], "the small cinema has no films")
    viewer.signs_out()


def sign_ins(project, folder):
    """In a real browser, before and after each of the containers around admin restarts."""
    browser = Browser(folder)
    try:
        sign_in_and_out(browser, URL, "Google")
        for service in ("admin", "mock-providers"):
            project.compose("restart", service)
            project.wait_healthy(service)
            if service == "admin":
                wait(lambda: project.request("/api/v1/auth/providers")[0] == 200, 20, "admin does not answer")
            sign_in_and_out(browser, URL, "GitHub")
    finally:
        browser.close()


def the_origin_stops(project):
    """At SIGTERM, long before the engine would end it after ten seconds."""
    started = time.monotonic()
    project.compose("stop", "cinema")
    seconds = time.monotonic() - started
    expect(seconds < 5, f"the origin took {seconds:.1f} s to stop")
    expect(project.state("cinema", "{{.State.ExitCode}}") == "0", "the origin did not end by itself")
