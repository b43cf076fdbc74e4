"""YAML (and so JSON) into plain data that remembers its lines, with nothing executed, expanded or guessed."""

import json
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, MaxDepthExceededError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
MAX_NODES = 10_000  # keys and values; with MAX_BYTES, about two seconds of reading at worst
TOO_MANY = f"has more than {MAX_NODES} parts, aliases counted"
Location = tuple[str | int, ...]
_TAG = "tag:yaml.org,2002:"


def field_name(location: Location) -> str:
    """Return a location as a person writes it, such as `steps[2].rollback.run`."""
    field = ""
    for part in location:
        field += f"[{part}]" if isinstance(part, int) else f".{part}" if field else part
    return field[:200]


class TextProblem(NamedTuple):
    """What is wrong with the text itself. `line` counts from 1."""

    line: int
    location: Location
    message: str
    mend: str


class TextUnreadable(ValueError):
    """A text that gives no data at all."""

    def __init__(self, problem: TextProblem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class LinedData:
    """Plain data (dicts, lists, scalars) and the line of each part of it."""

    def __init__(self) -> None:
        self.data: object = None
        self.problems: list[TextProblem] = []
        self._lines: dict[Location, int] = {}
        self._block_lines: dict[Location, int] = {}
        self._nodes = 0

    def line(self, location: Location, inner: int = 0) -> int:
        """Return the line (from 1) of a part or of its nearest parent; `inner` counts within a `|` block."""
        if inner >= 0 and location in self._block_lines:
            return self._block_lines[location] + inner
        while location and location not in self._lines:
            location = location[:-1]
        return self._lines.get(location, 1)

    def has(self, location: Location) -> bool:
        """Return whether the text has a part there."""
        return location in self._lines

    def build(self, node: Node, location: Location, line: int) -> object:
        """Turn a node into data. Raises TextUnreadable for what is too deep or too large."""
        self._nodes += 1
        self._lines[location] = line
        if len(location) > MAX_DEPTH:
            raise _too_big(line, location[:3], "is nested too deeply")
        if self._nodes > MAX_NODES:
            raise _too_big(line, location[:3], TOO_MANY)
        if isinstance(node, MappingNode):
            return self._mapping(node, location)
        if isinstance(node, SequenceNode):
            return [self.build(item, (*location, i), item.start_mark.line + 1) for i, item in enumerate(node.value)]
        assert isinstance(node, ScalarNode)
        if node.style == "|":
            self._block_lines[location] = node.start_mark.line + 2
        return self._scalar(node, location)

    def _mapping(self, node: MappingNode, location: Location) -> dict[str, object]:
        result: dict[str, object] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                self._note(line, location, "has a key that is not a text", "write keys as plain words")
                continue
            key = str(key_node.value)
            if key_node.tag == _TAG + "merge":
                self._note(line, location, "has a merge key (<<)", "write the fields out")
            elif key in result:
                first = self._lines[(*location, key)]
                self._note(line, (*location, key), f"is there twice (first on line {first})", "keep one of the two")
            else:
                result[key] = self.build(value_node, (*location, key), line)
        return result

    def _scalar(self, node: ScalarNode, location: Location) -> object:
        text = str(node.value)
        kind = str(node.tag)
        try:
            if kind == _TAG + "null":
                return None
            if kind == _TAG + "bool":
                return text.lower() == "true"
            if kind == _TAG + "int":
                number = int(text.replace("_", ""), 0 if text.lstrip("+-")[:2].lower() in ("0x", "0o", "0b") else 10)
                str(number)  # Python reads longer ones than it writes
                return number
            if kind == _TAG + "float":
                return float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))
        except ValueError:
            return text
        if kind not in (_TAG + "str", _TAG + "timestamp", _TAG + "value"):
            message, mend = f"has the tag {kind}", "remove the tag; only plain values are taken"
            self._note(node.start_mark.line + 1, location, message, mend)
        return self._whole_characters(text, node, location)

    def _whole_characters(self, text: str, node: Node, location: Location) -> str:
        """JSON writes characters beyond the first 65,536 as two halves; join them."""
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            line = node.start_mark.line + 1
            self._note(line, location, "has half of a character (a lone surrogate)", "write the whole character")
            return text.encode("utf-8", "replace").decode()

    def _note(self, line: int, location: Location, message: str, mend: str) -> None:
        self.problems.append(TextProblem(line, location, message, mend))


class _BoundedComposer(Composer):
    """Stops at the first part too many, so that the rest of the text is not even read."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader)
        self.warn_double_anchors = False
        self._nodes = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise _too_big(self.parser.peek_event().start_mark.line + 1, (), TOO_MANY)
        return super().compose_node(parent, index)


def _too_big(line: int, location: Location, message: str) -> TextUnreadable:
    return TextUnreadable(TextProblem(line, location, message, "write a smaller, flatter document"))


def read_lined(text: str | bytes) -> LinedData:
    """Read one YAML or JSON document. Raises TextUnreadable; lesser problems are in the result's `problems`."""
    lined = LinedData()
    node = _compose(_decoded(text))
    if node is None:
        raise TextUnreadable(TextProblem(1, (), "is empty", "write a document with id, title, risk and steps"))
    lined.data = lined.build(node, (), node.start_mark.line + 1)
    return lined


def _decoded(text: str | bytes) -> str:
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "replace"))
    if size > MAX_BYTES:
        message = f"is {size} bytes long; at most {MAX_BYTES} are read"
        raise TextUnreadable(TextProblem(1, (), message, "move long scripts onto the host and call them"))
    if isinstance(text, str):
        return _without_json_tabs(text.removeprefix("\ufeff"))
    try:
        return _without_json_tabs(text.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise TextUnreadable(TextProblem(line, (), "is not UTF-8 text", "save the file as UTF-8")) from None


def _without_json_tabs(text: str) -> str:
    """JSON may be indented by tabs, YAML may not; inside JSON's strings there are none."""
    if not text.lstrip().startswith("{") or "\t" not in text:
        return text
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text.replace("\t", " ")


def _compose(text: str) -> Node | None:
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer, yaml.max_depth = _BoundedComposer, MAX_DEPTH
    try:
        return yaml.compose(text)  # type: ignore[no-any-return]
    except MaxDepthExceededError as error:
        raise _too_big(error.problem_mark.line + 1, (), "is nested too deeply") from None
    except TextUnreadable:
        raise
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = ", ".join(part for part in (error.context, error.problem) if part)
        problem = TextProblem(mark.line + 1 if mark else 1, (), f"is not YAML: {what}", _syntax_mend(what))
        raise TextUnreadable(problem) from None
    except (YAMLError, ValueError, TypeError, AttributeError, LookupError, AssertionError) as error:
        # The parser lets several kinds of its own errors out on hostile text.
        line = text.count("\n", 0, getattr(error, "position", 0) or 0) + 1
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TextUnreadable(TextProblem(line, (), f"is not YAML: {what}", "remove what cannot be read")) from None


def _syntax_mend(what: str) -> str:
    if "'\\t'" in what:
        return "indent with spaces, not tabs"
    if "mapping values are not allowed" in what:
        return "put a text that holds a colon and a space in quotes, or after `|` on lines of its own"
    if "alias" in what:
        return "define the anchor first, or put a text that starts with * in quotes"
    return "check indentation and quotes there"
