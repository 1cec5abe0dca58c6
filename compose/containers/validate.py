"""What no tool knows to ask of these files: that they keep their own promises, and agree with the documentation.

compose/validate calls it, once a subject. Whatever is wrong is a line on standard error, and the exit code is 1.
"""

import json
import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = ROOT / "docs/configuration.md"
OPERATIONS = ROOT / "docs/operations.md"

wrong = []


def expect(fact, sentence):
    if not fact:
        wrong.append(sentence)


def documented(program):
    """The names of the variables of a program, with those of each provider spelt out."""
    sections = CONFIGURATION.read_text().split("\n## ")
    section = "\n".join(text for text in sections if text.startswith((f"{program}\n", "Both programs\n")))
    names = set(re.findall(r"^\| `([A-Z_<>]+)`", section, re.MULTILINE))
    for provider in "GOOGLE YANDEX VK MAILRU GITHUB X FACEBOOK".split():
        names |= {name.replace("<PROVIDER>", provider) for name in names if "<PROVIDER>" in name}
    return names


def check_variables(program, names, where):
    known = documented(program)
    for name in names:
        # OTEL_* are standard, and their own documentation's.
        expect(name in known or name.startswith("OTEL_"), f"{where}: {name} is not in docs/configuration.md")


def seconds(text):
    found = re.fullmatch(r"(?:(\d+)m)?(?:(\d+)s)?", text)
    return int(found[1] or 0) * 60 + int(found[2] or 0)


# --- compose.yaml ---------------------------------------------------------------------------------------------------


def check_hardening(name, service):
    expect(service.get("read_only") is True, f"{name}: its file system can be written")
    expect(service.get("cap_drop") == ["ALL"], f"{name}: it keeps capabilities")
    expect("cap_add" not in service and "privileged" not in service, f"{name}: it is given rights")
    expect("no-new-privileges:true" in service.get("security_opt", []), f"{name}: it may gain rights")
    expect("mem_limit" in service, f"{name}: its memory has no limit")
    expect(re.search(r":[\w.-]*\d|:local$|:dev$", service["image"]), f"{name}: {service['image']} has no fixed tag")


def check_base(name, service):
    expect("pids_limit" in service, f"{name}: its processes have no limit")
    expect("logging" in service, f"{name}: its log has no limit")
    expect("restart" in service, f"{name}: nothing is said of restarts")


def check_secrets(name, service, secrets):
    mounted = {entry if isinstance(entry, str) else entry["source"] for entry in service.get("secrets", [])}
    for variable, value in service.get("environment", {}).items():
        if not re.search(r"_FILE$", variable):
            expect(not re.search(r"(PASSWORD|SECRET|MASTER_KEYS|_URL)$", variable) or "://" in str(value),
                   f"{name}: {variable} looks like a secret and is no file")
            expect("@" not in str(value) or variable == "ADMIN_MAIL_FROM", f"{name}: {variable} has a password in it")
            continue
        expect(str(value).removeprefix("/run/secrets/") in mounted, f"{name}: {value} is not among its secrets")
    for secret in mounted:
        expect(secret in secrets, f"{name}: there is no secret {secret}")


def same_settings(usual, ours):
    """admin of compose.dev.yaml repeats the settings of admin-1."""
    for name, value in usual.items():
        expect(ours.get(name) == value, f"compose.dev.yaml: admin has {name}={ours.get(name)}, admin-1 has {value}")


def check_compose(path, kind, made):
    """A configuration as docker-compose reads it, and the folder that compose/secrets filled."""
    config = yaml.safe_load(Path(path).read_text())
    services, networks = config["services"], config["networks"]
    for name, service in services.items():
        check_hardening(name, service)
        if kind == "base":
            check_base(name, service)
        check_secrets(name, service, config["secrets"])
        # No registry is asked for a name that another may own there.
        if "build" in service:
            expect(service["image"].startswith("localhost/usher/"), f"{name}: another may own {service['image']}")
            # docker-compose 1 forgets the policy when it merges two files.
            expect(service.get("pull_policy") == "never" or kind == "dev", f"{name}: a registry may be asked for its image")
        for program in ("admin", "introspect"):
            if re.fullmatch(rf"{program}(-\d)?|migrate" if program == "admin" else rf"{program}-\d", name):
                check_variables(program, service["environment"], f"{name} of {path}")
        for volume in service.get("volumes", []):
            if isinstance(volume, str) and volume.startswith("/"):
                expect(Path(volume.split(":")[0]).exists(), f"{name}: {volume} does not exist")
        for port in service.get("ports", []):
            expect(str(port).startswith("127.0.0.1:"), f"{name}: {port} is not on loopback")
        drain = [value for key, value in service.get("environment", {}).items() if key.endswith("_DRAIN")]
        if drain:
            expect(seconds(service["stop_grace_period"]) > seconds(drain[0]), f"{name}: it is ended while it drains")
    for name, secret in config["secrets"].items():
        expect((Path(made) / Path(secret["file"]).name).exists(), f"compose/secrets does not make {name}")
    for name in ("edge", "database", "revocations", "telemetry"):
        expect(networks[name].get("internal") is True, f"the network {name} has a way out")
    expect(networks["cinema"]["external"], "the network cinema is not external")
    if kind == "dev":
        same_settings(services["admin-1"]["environment"], services["admin"]["environment"])
    of = {name: set(service.get("networks", {})) for name, service in services.items()}
    expect([name for name in of if "cinema" in of[name]] == ["nginx"], "more than nginx is on the network cinema")
    for name in of:
        expect("database" not in of[name] or name in ("admin-1", "admin-2", "loopback", "migrate", "postgres"),
               f"{name} can reach PostgreSQL")


def environment(path, name):
    """What a service of a configuration finds in its environment, a line each."""
    for variable, value in yaml.safe_load(Path(path).read_text())["services"][name]["environment"].items():
        print(f"{variable}={value}")


# --- Prometheus and Grafana -----------------------------------------------------------------------------------------


def anchors(document):
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# A sample is up to a scrape old when it is compared.
NOT_TIME = "time() is the moment of evaluation; use timestamp(METRIC), the moment of the scrape"


def check_alerts(path):
    known = anchors(OPERATIONS)
    for group in yaml.safe_load(Path(path).read_text())["groups"]:
        for rule in group["rules"]:
            name = rule["alert"]
            expect("for" in rule, f"{name}: for how long?")
            expect("time()" not in rule["expr"], f"{name}: {NOT_TIME}")
            expect(rule.get("labels", {}).get("severity") in ("critical", "warning"), f"{name}: how severe?")
            for annotation in ("summary", "description", "runbook_url"):
                expect(rule.get("annotations", {}).get(annotation), f"{name}: no {annotation}")
            page, _, anchor = rule["annotations"].get("runbook_url", "").partition("#")
            expect(page == "{{ $externalLabels.documentation }}/operations.md" and anchor in known, f"{name}: its runbook {page}#{anchor} does not exist")


def expressions(path):
    """A dashboard's expressions as rules, for promtool to read."""
    dashboard = json.loads(Path(path).read_text())
    ids, rules = set(), []
    for panel in dashboard["panels"]:
        expect(panel["id"] not in ids, f"two panels have the number {panel['id']}")
        ids.add(panel["id"])
        if panel["type"] == "row":
            continue
        expect(panel.get("description"), f"the panel {panel['title']} says nothing of itself")
        for target in panel["targets"]:
            expr = target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*")
            expect(target["datasource"]["uid"] == "prometheus", f"{panel['title']}: which data source?")
            expect("time()" not in expr, f"{panel['title']}: {NOT_TIME}")
            rules.append({"record": f"panel:{panel['id']}:{target['refId']}", "expr": expr})
    print(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))


# --- Kubernetes -----------------------------------------------------------------------------------------------------


def check_container(where, container, pod):
    context = {**pod.get("securityContext", {}), **container.get("securityContext", {})}
    expect(context.get("runAsNonRoot") and context.get("runAsUser", 0) > 0, f"{where}: it may be root")
    expect(context.get("readOnlyRootFilesystem") is True, f"{where}: its file system can be written")
    expect(context.get("allowPrivilegeEscalation") is False, f"{where}: it may gain rights")
    expect(context.get("capabilities", {}).get("drop") == ["ALL"], f"{where}: it keeps capabilities")
    expect(context.get("seccompProfile", {}).get("type") == "RuntimeDefault", f"{where}: no seccomp profile")
    expect("memory" in container.get("resources", {}).get("limits", {}), f"{where}: its memory has no limit")
    expect("cpu" in container.get("resources", {}).get("requests", {}), f"{where}: it asks for no processor")
    volumes = {volume["name"] for volume in pod.get("volumes", [])} | {"data"}
    for mount in container.get("volumeMounts", []):
        expect(mount["name"] in volumes, f"{where}: there is no volume {mount['name']}")
    ports = {port["name"] for port in container.get("ports", [])}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        action = container.get(probe, {})
        for kind in ("httpGet", "tcpSocket"):
            if kind in action:
                expect(action[kind]["port"] in ports, f"{where}: its {probe} asks an unnamed port")


def check_kubernetes(path):
    """What kustomize made."""
    objects = [item for item in yaml.safe_load_all(Path(path).read_text()) if item]
    pods = {}
    for item in objects:
        template = item.get("spec", {}).get("template")
        if not template:
            continue
        name, pod = item["metadata"]["name"], template["spec"]
        pods[template["metadata"]["labels"]["app.kubernetes.io/name"]] = pod
        expect(pod.get("automountServiceAccountToken") is False, f"{name}: it has a token of Kubernetes")
        expect(pod.get("enableServiceLinks") is False, f"{name}: services are in its environment")
        for container in pod.get("initContainers", []) + pod["containers"]:
            check_container(f"{name}/{container['name']}", container, pod)
    for item in objects:
        kind, name = item["kind"], item["metadata"]["name"]
        if kind == "ConfigMap":
            program = re.sub(r"-[a-z0-9]{10}$", "", name)
            if program in ("admin", "introspect"):
                check_variables(program, item["data"], f"the map {program}")
            if program == "gateway":
                expect(item["data"].get("GATEWAY_TRUSTED_PROXIES"), "the map gateway has no proxies")
        if kind == "PodDisruptionBudget" or kind == "Service" and "selector" in item["spec"]:
            selector = item["spec"]["selector"]
            label = selector.get("matchLabels", selector)["app.kubernetes.io/name"]
            expect(label in pods, f"{kind} {name} selects no pod")
        if kind == "HorizontalPodAutoscaler":
            expect(item["spec"]["minReplicas"] >= 2, f"{kind} {name}: fewer than two")
        if kind == "NetworkPolicy":
            check_policy(name, item["spec"], pods)
    closed = [item["spec"] for item in objects if item["kind"] == "NetworkPolicy" and item["spec"]["podSelector"] == {}]
    expect(any(not {"ingress", "egress"} & spec.keys() and len(spec["policyTypes"]) == 2 for spec in closed),
           "no policy forbids the traffic that is not allowed elsewhere")


def ports_of(pod):
    containers = pod.get("initContainers", []) + pod["containers"]
    ports = [port for container in containers for port in container.get("ports", [])]
    return {port["name"] for port in ports} | {port["containerPort"] for port in ports}


def check_policy(name, spec, pods):
    label = spec["podSelector"].get("matchLabels", {}).get("app.kubernetes.io/name")
    if label not in pods:
        return
    for rule in spec.get("ingress", []):
        for port in rule["ports"]:
            expect(port["port"] in ports_of(pods[label]), f"the policy {name} opens {port['port']}, which no container has")
    for rule in spec.get("egress", []):
        for peer in rule["to"]:
            other = peer.get("podSelector", {}).get("matchLabels", {}).get("app.kubernetes.io/name")
            if other in pods:
                for port in rule["ports"]:
                    expect(port["port"] in ports_of(pods[other]), f"the policy {name}: {other} has no {port['port']}")


# --- systemd --------------------------------------------------------------------------------------------------------


def check_units(*files):
    for file in files:
        text = Path(file).read_text()
        credentials = set(re.findall(r"^LoadCredential=([\w-]+):", text, re.MULTILINE))
        variables = dict(pair.split("=", 1) for line in re.findall(r"^Environment=(.+)$", text, re.MULTILINE)
                         for pair in line.split(" "))
        program = "introspect" if "introspect" in Path(file).name else "admin"
        check_variables(program, variables, file)
        used = {value.removeprefix("%d/") for value in variables.values() if value.startswith("%d/")}
        expect(used == credentials, f"{file}: credentials {credentials} and variables {used} differ")


SUBJECTS = {
    "compose": check_compose,
    "environment": environment,
    "alerts": check_alerts,
    "expressions": expressions,
    "kubernetes": check_kubernetes,
    "units": check_units,
}

SUBJECTS[sys.argv[1]](*sys.argv[2:])
for sentence in wrong:
    print(sentence, file=sys.stderr)
sys.exit(1 if wrong else 0)
