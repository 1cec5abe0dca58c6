"""Tests of alerts at every age of a sample: phases.py alerts.test.yaml FOLDER.

Otherwise promtool has a sample at each moment of evaluation. A real sample is up to a scrape old, and always by the same time,
because Prometheus scrapes and evaluates at the same interval. For each such time this writes a file for promtool into
FOLDER: the same series and expectations, with samples that are this old when the rules are evaluated. Of the healthy
system it also asks that no alert fires at any time.
"""

import re
import sys
from pathlib import Path

import yaml

SCRAPE = 15
# The old sample at an evaluation, in seconds: just taken, and almost a scrape ago.
AGES = (0, 4, 9, 14)


def expand(notation):
    """The samples of a series in promtool's notation, as texts."""
    for token in notation.split():
        found = re.fullmatch(r"(-?[\d.]+)(?:([+-][\d.]+))?x(\d+)", token)
        if found:
            start, step, times = float(found[1]), float(found[2] or 0), int(found[3])
            yield from (format(start + step * number, ".10g") for number in range(times + 1))
        elif token.startswith("_x"):
            yield from ["_"] * int(token[2:])
        else:
            yield token


def shifted(series, age):
    """A sample a second or none, so that the last one is `age` seconds old at multiples of a scrape."""
    late = (SCRAPE - age) % SCRAPE
    clock = re.match(r"\w+_timestamp_seconds", series["series"])
    values = []
    for value in expand(series["values"]):
        # A time that is current at the scrape. 0 is "never".
        if clock and value not in ("_", "0"):
            value = format(float(value) + late, ".10g")
        values += ["_"] * late + [value] + ["_"] * (SCRAPE - late - 1)
    return {"series": series["series"], "values": " ".join(values)}


def every_metric_is_healthy(files, group):
    """An alert whose series are missing says nothing of a healthy system."""
    text = " ".join(rule["expr"] for file in files for rules in yaml.safe_load(Path(file).read_text())["groups"]
                    for rule in rules["rules"])
    missing = set(re.findall(r"\busher_\w+", text)) - {re.match(r"\w+", line["series"])[0] for line in group["input_series"]}
    if missing:
        sys.exit(f"The group of the healthy system has no {', '.join(sorted(missing))}.")


def main(tests, folder):
    # YAML takes 0x20 for a number.
    document = yaml.safe_load(re.sub(r"values: ([^\"'}\n]+)}", r'values: "\1"}', Path(tests).read_text()))
    document["rule_files"] = [str((Path(tests).parent / name).resolve()) for name in document["rule_files"]]
    healthy = document["tests"][0]
    every_metric_is_healthy(document["rule_files"], healthy)
    silent = {"expr": 'count_over_time(ALERTS{alertstate="firing"}[1h])', "eval_time": "29m", "exp_samples": []}
    healthy.setdefault("promql_expr_test", []).append(silent)
    for age in AGES:
        groups = [
            {**group, "interval": "1s", "input_series": [shifted(series, age) for series in group["input_series"]]}
            for group in document["tests"]
            # The others are about hours and days, in which a scrape is nothing.
            if group["interval"] == f"{SCRAPE}s"
        ]
        written = {**document, "evaluation_interval": f"{SCRAPE}s", "tests": groups}
        Path(folder, f"alerts-{age}.yaml").write_text(yaml.safe_dump(written, width=10**6))


main(*sys.argv[1:])
