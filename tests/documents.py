"""Documents at the edge of what is read."""

HEAD = "id: r\ntitle: A runbook\nrisk: low\n"


def numbered(line: str, count: int) -> str:
    return "".join(line.replace("#", str(number)) for number in range(count))


def largest() -> str:
    """Return a runbook of nearly the most bytes and parts there may be, every command a different one."""
    step = "  - {name: s#, run: 'echo # $n PAD', rollback: 'true $n', when: n == '#', expect: {pattern: a}}\n"
    steps = numbered(step.replace("PAD", "x" * 1_150), 100)
    check = "  - {name: p#, run: 'echo # $n PAD', retry: {attempts: 3, every: 10s}}\n".replace("PAD", "y" * 600)
    text = f"{HEAD}inputs: {{n: {{type: string}}}}\nsteps:\n{steps}prechecks:\n{numbered(check, 100)}"
    return f"{text}postchecks:\n{numbered(check.replace('p#', 'q#'), 100)}"
