"""What happens to containers under load, and what became of the requests meanwhile."""

import time

from load import PATHS, Load
from project import run
from viewer import Viewer

# The services of which there are two: none of their restarts may cost a request.
PAIRS = ("introspect-1", "introspect-2", "admin-1", "admin-2")
# Those that no request waits for.
BESIDE = ("prometheus", "grafana", "jaeger")
STORES = ("redis", "postgres")


def event(project, action, seconds=6):
    """A time of load in which something happens; the first second is as usual."""
    load = Load(project.port, Viewer(project).sign_up().sign_in().token)
    load.start()
    try:
        time.sleep(1)
        action()
        time.sleep(seconds)
    finally:
        result = load.stop()
    return result


def killed(project, service):
    """As when the machine kills it; started again after five seconds."""
    def action():
        run("docker", "kill", project.container(service))
        time.sleep(5)
        run("docker", "start", project.container(service))
        project.wait_healthy(service)
    return event(project, action)


def restarted(project, service):
    def action():
        project.compose("restart", service)
        project.wait_healthy(service)
    return event(project, action)


def hung(project, service):
    """Stopped without a word: it neither answers nor refuses."""
    def action():
        run("docker", "pause", project.container(service))
        time.sleep(5)
        run("docker", "unpause", project.container(service))
        project.wait_healthy(service)
    return event(project, action)


def upgraded(project, service):
    """By another tag, as docs/containers.md says."""
    def action():
        project.compose("up", "--detach", "--no-deps", "--wait", service)
        project.wait_healthy(service)
    return event(project, action)


def next_tag(project):
    for image in ("admin", "introspect", "migrate", "nginx"):
        run("docker", "tag", f"localhost/usher/{image}:local", f"localhost/usher/{image}:next")
    project.write_settings(USHER_TAG="next")
    project.compose("run", "--rm", "migrate")


# The requests that may fail while a container is missing. Without its store admin answers 503; without Redis or the relay the
# sidecars cannot prove that they know the latest revocations, and locations without `stale=` are closed. There is one nginx.
MAY_FAIL = {"redis": {"account"}, "postgres": {"account", "admin"}, "nginx": set(PATHS)}


def events(project):
    """Rows (what, service, result), and whether it has a failure that it may not have."""
    def row(what, service, result):
        return what, service, result, bool(result.kinds - MAY_FAIL.get(service, set()))

    yield row("nothing", "", event(project, lambda: time.sleep(10)))
    for service in (*PAIRS, *BESIDE, *STORES, "nginx"):
        yield row("restarted", service, restarted(project, service))
        yield row("killed, started 5 s later", service, killed(project, service))
    for service in PAIRS:
        yield row("hung for 5 s", service, hung(project, service))
    next_tag(project)
    for service in (*PAIRS, "nginx"):
        yield row("upgraded", service, upgraded(project, service))
