"""compose.yaml as an operator runs it: what is missing, the first start, its settings, lost secrets."""

import json
import secrets as randomness
import shutil
import time
import urllib.request

from events import BESIDE, PAIRS, STORES
from project import expect, run, wait
from viewer import PASSWORD, whole_flow


def says(project, script, *sentences):
    """A script refuses, with these sentences."""
    code, output = project.script(script, must=False)
    expect(code != 0, f"{script} found nothing wrong")
    for sentence in sentences:
        expect(sentence in output, f"{script} does not say {sentence!r}:\n{output}")


def what_is_missing(project):
    """Everything is missing at first: a clone with umask 077, without .env, secrets or network, an address that is taken."""
    code, output = project.compose("up", "--detach", must=False)
    expect(code != 0 and "compose/.env" in output, f"up without .env: {output}")
    says(project, "containers/check", "compose/.env is missing", "USHER_TRUSTED_PROXIES is not set", "Run ./compose/secrets",
         "is readable only by its owner", "docker network create cinema")
    project.write_settings()
    project.script("secrets")
    run("docker", "network", "create", "cinema")
    run("docker", "network", "create", "--subnet", "10.213.76.0/24", "neighbour")
    says(project, "containers/check", "belong to the network neighbour (10.213.76.0/24). Set USHER_EDGE")
    run("docker", "network", "rm", "neighbour")
    project.script("containers/check")


def images_have_their_modes(project):
    """Folders of the images, and the users that their programs run as."""
    name = f"trial-{randomness.token_hex(4)}"
    run("docker", "create", "--name", name, "localhost/usher/introspect:local")
    listing = run("sh", "-c", f"docker export {name} | tar --list --verbose --numeric-owner")
    run("docker", "rm", name)
    for mode, owner, folder in (("drwxr-x---", "10002/101", "run/introspect/"), ("drwx------", "10002/10002", "var/lib/introspect/")):
        line = next(line for line in listing.splitlines() if line.endswith(f" {folder}"))
        expect(line.startswith(f"{mode} {owner}"), f"{folder}: {line}")


def no_database_without_its_file(project):
    """PostgreSQL that cannot read usher.sql makes no data folder without the database; then it recovers by itself."""
    file = project.clone / "compose/containers/postgres/usher.sql"
    file.chmod(0o600)
    project.compose("up", "--detach", "postgres")
    wait(lambda: "Run ./compose/secrets" in project.logs("postgres"), 30, "PostgreSQL does not say what is wrong")
    expect(project.state("postgres") != "healthy", "PostgreSQL is healthy without its database")
    project.script("secrets")
    project.wait_healthy("postgres")


def starts(project):
    project.compose("up", "--detach", "--wait")
    for service in ("nginx", *PAIRS, *STORES, *BESIDE):
        project.wait_healthy(service)
    for identity in run("docker", "ps", "--quiet").split():
        user = run("docker", "exec", identity, "id", "-u", must=False)[1].strip()
        configured = run("docker", "inspect", "--format", "{{.Config.User}}", identity).strip()
        expect(configured not in ("", "0", "root") and user != "0", f"a container is root: {identity}")
    project.compose("exec", "-T", "admin-1", "/usher-admin", "superuser", "create", "boss@cinema.example", text=f"{PASSWORD}\n")
    status, answer = project.request("/api/v1/auth/login", {"email": "boss@cinema.example", "password": PASSWORD})
    expect(status == 200, f"the superuser's sign-in: {status} {answer}")


def health_checks_write_no_line(project):
    """Only requests of clients are in the gateway's log."""
    before = len(project.logs("nginx").splitlines())
    expect(before > 3, "the gateway logs no requests")
    time.sleep(16)
    lines = project.logs("nginx").splitlines()[before:]
    expect(not lines, f"the gateway logged {lines[:3]} without a client")


def a_proxy_on_this_machine_is_believed(project):
    def client_of(address):
        project.request("/api/v1/genres/", headers={"X-Forwarded-For": address})
        time.sleep(0.5)
        return [json.loads(line)["client"] for line in project.logs("nginx").splitlines() if line.startswith("{")][-1]

    expect(client_of("203.0.113.9") != "203.0.113.9", "the gateway believes any client")
    project.write_settings(USHER_TRUSTED_PROXIES="host")
    project.compose("up", "--detach", "--no-deps", "--wait", "nginx")
    expect(client_of("203.0.113.9") == "203.0.113.9", "the gateway does not believe a proxy on this machine")
    project.write_settings(USHER_TRUSTED_PROXIES="none")
    project.compose("up", "--detach", "--no-deps", "--wait", "nginx")


def tls_in_the_gateway(project):
    """compose.tls.yaml: HTTPS, and HTTP that only redirects."""
    folder = project.clone / "tls"
    folder.mkdir()
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=cinema.example", "-days", "1",
        "-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem"))
    (folder / "key.pem").chmod(0o644)
    project.write_settings(USHER_TLS=str(folder), USHER_TLS_LISTEN="127.0.0.1:8443")
    project.files.append("compose.tls.yaml")
    project.compose("up", "--detach", "--no-deps", "--wait", "nginx")
    status = ("--silent", "--insecure", "--output", "/dev/null", "--write-out", "%{http_code} %{redirect_url}")
    answer = run("curl", *status, "https://127.0.0.1:8443/api/v1/genres/")
    expect(answer == "200 ", f"HTTPS: {answer}")
    answer = run("curl", *status, "http://127.0.0.1:8080/api/v1/genres/")
    expect(answer == "308 https://127.0.0.1/api/v1/genres/", f"HTTP: {answer}")
    # As after a renewal of the certificate.
    project.compose("exec", "-T", "nginx", "nginx", "-e", "stderr", "-s", "reload", "-c", "/etc/usher/nginx.conf",
                    "-g", "pid /tmp/nginx.pid;")
    answer = run("curl", *status, "https://127.0.0.1:8443/api/v1/genres/")
    expect(answer == "200 ", f"HTTPS after a reload: {answer}")
    project.files.pop()
    project.compose("up", "--detach", "--no-deps", "--wait", "nginx")


def runbooks_open(_):
    with urllib.request.urlopen("http://127.0.0.1:9090/api/v1/rules", timeout=10) as response:
        rules = [rule for group in json.load(response)["data"]["groups"] for rule in group["rules"]]
    expect(len(rules) > 20, f"only {len(rules)} alerts are loaded")
    with urllib.request.urlopen("http://127.0.0.1:9090/consoles/operations.md", timeout=10) as response:
        page = response.read().decode()
    expect("## Runbooks" in page, "the page of the runbooks is empty")


def lost_secrets(project):
    """All but the master keys, which cannot be replaced: as docs/containers.md says."""
    folder = project.clone / "compose/.secrets"
    kept = (folder / "admin_master_keys").read_text()
    shutil.rmtree(folder)
    says(project, "containers/check", "restore them from your back-up instead")
    folder.mkdir(mode=0o700)
    (folder / "admin_master_keys").write_text(kept)
    project.script("secrets")
    project.compose("up", "--detach", "--force-recreate", "postgres", "redis")
    project.wait_healthy("postgres")
    sql = "\\set password `cat /run/secrets/database_password`\nalter role usher password :'password';\n"
    project.compose("exec", "-T", "postgres", "psql", "--username=postgres", text=sql)
    project.compose("up", "--detach", "--force-recreate", "--wait")
    whole_flow(project)


def leaves_nothing(project):
    project.compose("down", "--volumes", "--remove-orphans")
    expect(not run("docker", "ps", "--all", "--quiet", "--filter", f"name={project.name}-").strip(), "containers are left")
    expect(f"{project.name}_" not in run("docker", "volume", "ls"), "volumes are left")
    expect(f"{project.name}_" not in run("docker", "network", "ls"), "networks are left")


