"""A Compose project of a clone, as its user runs it."""

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path


class Failed(Exception):
    """A sentence of the trial that is not true."""


def expect(fact, sentence):
    if not fact:
        raise Failed(sentence)


def run(*command, text=None, must=True, cwd=None):
    """A command's output, both streams. Without `must` it may fail, and the result is (code, output)."""
    done = subprocess.run(command, input=text, cwd=cwd, capture_output=True, text=True, timeout=3600)
    output = done.stdout + done.stderr
    if not must:
        return done.returncode, output
    expect(done.returncode == 0, f"{' '.join(map(str, command))} failed:\n{output[-3000:]}")
    return output


class Project:
    """`files` are those of `docker compose -f`; `settings` become compose/.env."""

    def __init__(self, folder, clone, files, settings):
        self.program, self.clone, self.files = Path(folder, "docker-compose"), Path(clone), files
        self.settings = dict(settings)
        self.name = settings["COMPOSE_PROJECT_NAME"]
        self.port = int(settings["USHER_LISTEN"].rpartition(":")[2])

    def write_settings(self, **changes):
        self.settings.update(changes)
        lines = "".join(f"{name}={value}\n" for name, value in self.settings.items())
        (self.clone / "compose/.env").write_text(lines)

    def compose(self, *arguments, **options):
        files = [word for name in self.files for word in ("-f", str(self.clone / "compose" / name))]
        return run(str(self.program), "--progress", "quiet", *files, *arguments, **options)

    def script(self, name, **options):
        return run(str(self.clone / "compose" / name), **options)

    def container(self, service):
        return f"{self.name}-{service}-1"

    def state(self, service, format="{{.State.Health.Status}}"):
        return run("docker", "inspect", "--format", format, self.container(service), must=False)[1].strip()

    def wait_healthy(self, service, seconds=120):
        has_check = self.state(service, "{{if .State.Health}}yes{{end}}") == "yes"
        wanted, format = ("healthy", "{{.State.Health.Status}}") if has_check else ("running", "{{.State.Status}}")
        wait(lambda: self.state(service, format) == wanted, seconds, f"{service} is not {wanted}")

    def logs(self, service):
        return run("docker", "logs", self.container(service))

    def request(self, path, body=None, token=None, headers=(), method=None):
        """The status and the JSON of a response of the gateway."""
        sent = {"Content-Type": "application/json", **dict(headers)}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                status, text = response.status, response.read()
        except urllib.error.HTTPError as refused:
            status, text = refused.code, refused.read()
        return status, json.loads(text) if text else None


def wait(condition, seconds, sentence):
    """Until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        expect(time.monotonic() < end, f"{sentence} after {seconds} s")
        time.sleep(0.2)


def environment(folder):
    """Compose must read .env of the clone and nothing of the caller."""
    for name in list(os.environ):
        if name.startswith(("USHER_", "COMPOSE_", "CINEMA_")):
            del os.environ[name]
    os.environ["HOME"] = str(folder)
    os.environ["DOCKER_BUILDKIT"] = "1"
