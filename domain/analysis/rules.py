"""The rules of analysis: what they look like, and reading them from YAML."""

from functools import cache
from importlib import resources
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError

from domain.base import Model
from domain.text.patterns import compile_pattern
from domain.text.yaml_lines import LinedData, TextUnreadable, read_lined
from domain.tickets.ticket import Classification

FIELD_PATTERN = (
    r"^(title|description|text|severity|source|environment|service|ci|(labels|metadata)\.[A-Za-z0-9_./-]{1,100})$"
)


class RulesInvalid(ValueError):
    """A text that holds no usable rules; the message names each line and what is wrong there."""


def _compiles(pattern: str) -> str:
    compile_pattern(pattern, ignore_case=True)
    return pattern


Pattern = Annotated[str, Field(min_length=1, max_length=1_000), AfterValidator(_compiles)]
FieldPath = Annotated[str, Field(pattern=FIELD_PATTERN)]
Condition = Annotated[dict[FieldPath, Annotated[list[Pattern], Field(min_length=1)]], Field(min_length=1)]


class Rule(Model):
    """One thing that, where it applies, speaks for or against a real problem."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,99}$")
    words: str = Field(min_length=3, max_length=200, description="The reason as a person reads it.")
    speaks_for: Classification
    weight: float = Field(gt=0, le=10, description="How much, in log-odds.")
    when: list[Condition] = Field(min_length=1, description="Any one is enough; all fields of one must match.")
    unless: list[str] = Field(default_factory=list, description="Ids of rules; not where one of them applies.")

    @property
    def signed_weight(self) -> float:
        """The weight, negative when it speaks for a false positive."""
        return self.weight if self.speaks_for is Classification.TRUE_POSITIVE else -self.weight


class AnalysisRules(Model):
    """All rules, and the probability from which a classification is more than uncertain."""

    certain_from: float = Field(default=0.6, gt=0.5, lt=1)
    rules: list[Rule] = Field(max_length=500)


def parse_rules(text: str | bytes) -> AnalysisRules:
    """Read rules from YAML. Raises RulesInvalid."""
    try:
        lined = read_lined(text)
    except TextUnreadable as error:
        raise RulesInvalid(f"line {error.problem.line}: {error.problem.message}; {error.problem.mend}") from None
    found = [f"line {problem.line}: {problem.message}; {problem.mend}" for problem in lined.problems]
    try:
        rules = AnalysisRules.model_validate(lined.data)
    except ValidationError as error:
        found += [_shape_problem(lined, details["loc"], details["msg"]) for details in error.errors(include_url=False)]
        raise RulesInvalid("\n".join(found)) from None
    found += _contradictions(rules, lined)
    if found:
        raise RulesInvalid("\n".join(found))
    return rules


@cache
def default_rules() -> AnalysisRules:
    """Return the rules that come with Handrail."""
    return parse_rules(resources.files("domain.analysis").joinpath("rules.yaml").read_bytes())


def _shape_problem(lined: LinedData, location: tuple[str | int, ...], message: str) -> str:
    field = ".".join(str(part) for part in location if part != "[key]")
    return f"line {lined.line(location, -1)}: {field or 'the document'}: {message}"


def _contradictions(rules: AnalysisRules, lined: LinedData) -> list[str]:
    """Two rules of one id, exceptions that no rule has, and chains of exceptions."""
    found, seen = [], set()
    by_id = {rule.id: rule for rule in rules.rules}
    for index, rule in enumerate(rules.rules):
        line = lined.line(("rules", index, "id"), -1)
        if rule.id in seen:
            found.append(f"line {line}: {rule.id} is there twice; give it an id of its own")
        if rule.speaks_for is Classification.UNCERTAIN:
            found.append(f"line {line}: {rule.id} must speak for true_positive or false_positive")
        found += [f"line {line}: {rule.id} names the unknown rule {name}" for name in rule.unless if name not in by_id]
        seen.add(rule.id)
    return found
