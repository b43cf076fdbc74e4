"""Matching loads little, and answers alike in every process."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
HEAVY = ("torch", "onnxruntime", "scipy", "sklearn", "pandas", "temporalio", "sqlalchemy", "fastapi", "asyncssh")

PROGRAM = """
import sys
from domain.matching.match import MatchQuery
from matching import Matcher
from tests.matching.samples import LIBRARY
matcher = Matcher()
for document in LIBRARY:
    matcher.upsert(document)
for title in ("No space left on device", "restart the web server", "name resolution failed on all hosts"):
    for match in matcher.match(MatchQuery(title=title)):
        print(match.model_dump_json())
print(sorted(set(sys.modules) & set(sys.argv[1:])))
"""


def run(seed: str) -> list[str]:
    environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *HEAVY], capture_output=True, text=True, check=True, env=environment, cwd=ROOT
    )
    return done.stdout.splitlines()


def test_every_process_answers_alike_and_imports_nothing_heavy() -> None:
    one, other = run("1"), run("2")
    assert one == other
    assert one[-1] == "[]"
    assert len(one) > 3
