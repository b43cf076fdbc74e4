"""Runbooks as documents, right and wrong, and what is found in them."""

import json
import re
from typing import Any

import pytest

from domain.runbooks.text import FileProblem, RunbookInvalid, parse_runbook

GOOD = """\
id: nginx-disk-full            # stable
version: 3
title: Free disk space on a web server
match:
  symptoms: ["no space left on device", "filesystem almost full"]
  services: [nginx]
  labels: {alertname: NodeFilesystemAlmostOutOfSpace}
description: Compress and rotate old access logs, then restart nginx.
risk: medium
target: ci
inputs:
  keep_days: {type: integer, default: 7, minimum: 1, description: Days of logs to keep}
prechecks:
  - name: The disk really is full
    run: test "$(df --output=pcent /var | tail -1 | tr -dc 0-9)" -ge 85
steps:
  - name: Compress old logs
    run: find /var/log/nginx -name '*.log.*' ! -name '*.gz' -mtime +"$keep_days" -print -exec gzip {} +
    register: compressed
    timeout: 10m
    rollback: printf '%s\\n' "$compressed" | xargs -r -I{} gunzip {}.gz
  - name: Restart nginx
    run: systemctl restart nginx
    approval: required
    rollback: {run: systemctl start nginx, timeout: 1h30m, retries: 2}
postchecks:
  - name: There is room again
    run: test "$(df --output=pcent /var | tail -1 | tr -dc 0-9)" -lt 80
    retry: {attempts: 5, every: 10s}
"""
ASK = {"question": "Why?", "answers": {"why": {}}}


def minimal(**changes: Any) -> dict[str, Any]:
    """A runbook of one step, as plain data; `step` changes that step."""
    step = {"name": "Do it", "run": "touch x", "rollback": "rm -f x", **changes.pop("step", {})}
    check = {"name": "Done", "run": "test -f x"}
    data = {"id": "r", "title": "R", "risk": "low", "steps": [step], "postchecks": [check], **changes}
    return {key: value for key, value in data.items() if value is not None}


def problems(document: str | bytes | dict[str, Any]) -> list[FileProblem]:
    text = json.dumps(document) if isinstance(document, dict) else document
    with pytest.raises(RunbookInvalid) as caught:
        parse_runbook(text, file="r.yaml")
    return caught.value.problems


def only_problem(document: str | bytes | dict[str, Any]) -> FileProblem:
    found = problems(document)
    assert len(found) == 1, [str(problem) for problem in found]
    return found[0]


def problems_if_any(text: str | bytes) -> list[FileProblem]:
    try:
        parse_runbook(text)
    except RunbookInvalid as error:
        return error.problems
    return []


def command_problems(command: str) -> list[str]:
    """Names reported for a command of a runbook with the input `days`."""
    document = minimal(step={"run": command}, inputs={"days": {"type": "integer"}})
    found = problems_if_any(json.dumps(document))
    return [re.findall(r"\$(\w+)", problem.message)[0] for problem in found]
