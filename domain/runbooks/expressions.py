"""The expression of a step's `when`: comparisons over inputs and registered outputs, and nothing that could do harm.

Values are texts. One compared with a number is read as a number; on its own it is false when empty, `0` or `false`.
"""

import ast
import operator
import re
import warnings
from collections.abc import Callable, Iterator, Mapping

LONGEST = 500
MOST_PARTS = 100
Value = str | int | float | bool | tuple["Value", ...]

_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?")
_WORDS = {"true": True, "false": False}
_ORDER: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_COMPARISONS = (*_ORDER, ast.Eq, ast.NotEq, ast.In, ast.NotIn)


class ExpressionInvalid(ValueError):
    """A text that is no expression of this language; the message says what is."""


class ExpressionFailed(ValueError):
    """An expression that has no answer for these values."""


class Expression:
    """A parsed expression. `names` are the variables it reads."""

    def __init__(self, text: str, tree: ast.expr) -> None:
        self.text = text
        self._tree = tree
        self.names = frozenset(_names(tree))

    def evaluate(self, values: Mapping[str, str]) -> bool:
        """Return whether it holds for these values. Raises ExpressionFailed."""
        try:
            return _truth(_value(self._tree, values))
        except ExpressionFailed as error:
            raise ExpressionFailed(f"`{self.text}`: {error}") from None


def parse_expression(text: str) -> Expression:
    """Parse an expression such as `int(free_mb) < 100 and mode in ("soft", "hard")`. Raises ExpressionInvalid."""
    if len(text) > LONGEST:
        raise ExpressionInvalid(f"is longer than {LONGEST} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's advice about its own literals is not for runbook authors
            tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ExpressionInvalid(
            "is not an expression; write comparisons joined by and, or, not, such as `int(free_mb) < 100`"
        ) from None
    if sum(1 for _ in ast.walk(tree)) > MOST_PARTS:
        raise ExpressionInvalid(f"has more than {MOST_PARTS} parts; move the test into the command")
    _check(tree)
    return Expression(text, tree)


def _check(node: ast.expr) -> None:
    """Refuse everything that is not listed here."""
    match node:
        case ast.BoolOp(values=parts) | ast.Tuple(elts=parts) | ast.List(elts=parts):
            children = parts
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            children = [operand]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float())):
            children = []
        case ast.Compare(left=left, ops=ops, comparators=rights) if all(isinstance(op, _COMPARISONS) for op in ops):
            children = [left, *rights]
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS:
            if len(arguments) != _FUNCTIONS[name][0]:
                raise ExpressionInvalid(f"{name}() takes {_FUNCTIONS[name][0]} value(s)")
            children = arguments
        case ast.Name(id=name) if name.isascii() and name not in _FUNCTIONS:
            children = []
        case ast.Constant(value=str() | int() | float()):
            children = []
        case ast.Call():
            raise ExpressionInvalid(f"may call only {', '.join(f'{name}()' for name in _FUNCTIONS)}")
        case _:
            found = ast.unparse(node)
            raise ExpressionInvalid(
                f"has `{found[:60]}`, which is not allowed; comparisons, in, and, or, not, names and literals are"
            )
    for child in children:
        _check(child)


def _names(tree: ast.expr) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id not in _FUNCTIONS and node.id not in _WORDS:
            yield node.id


def _value(node: ast.expr, values: Mapping[str, str]) -> Value:
    match node:
        case ast.Constant(value=str() | int() | float() as literal):
            return literal
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
        case ast.UnaryOp(operand=operand):
            return not _truth(_value(operand, values))
        case ast.Name(id=name):
            return _named(name, values)
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return tuple(_value(part, values) for part in parts)
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(_truth(_value(part, values)) for part in parts)
        case ast.BoolOp(values=parts):
            return any(_truth(_value(part, values)) for part in parts)
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _FUNCTIONS[name][1](*(_value(argument, values) for argument in arguments))
        case ast.Compare():
            return _compare_all(node, values)
    raise ExpressionFailed("has a part that was never checked")  # unreachable after _check


def _named(name: str, values: Mapping[str, str]) -> Value:
    if name in values:
        return values[name]
    if name in _WORDS:
        return _WORDS[name]
    raise ExpressionFailed(f"{name} has no value")


def _compare_all(node: ast.Compare, values: Mapping[str, str]) -> bool:
    left = _value(node.left, values)
    for op, comparator in zip(node.ops, node.comparators, strict=True):
        right = _value(comparator, values)
        if not _compare(op, left, right):
            return False
        left = right
    return True


def _compare(op: ast.cmpop, left: Value, right: Value) -> bool:
    if isinstance(op, ast.Eq | ast.NotEq):
        return _equal(left, right) is isinstance(op, ast.Eq)
    if isinstance(op, ast.In | ast.NotIn):
        return _contains(right, left) is isinstance(op, ast.In)
    return _ORDER[type(op)](_number(left), _number(right))


def _equal(left: Value, right: Value) -> bool:
    """Texts are compared as they are; beside a number or a boolean a text is read as one, and differs if it is none."""
    if isinstance(left, tuple) or isinstance(right, tuple):
        return left == right
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    if isinstance(left, bool) or isinstance(right, bool):
        return str(left).strip().lower() == str(right).strip().lower()
    try:
        return _number(left) == _number(right)
    except ExpressionFailed:
        return False


def _contains(whole: Value, part: Value) -> bool:
    if isinstance(whole, tuple):
        return any(_equal(member, part) for member in whole)
    if isinstance(whole, str) and isinstance(part, str):
        return part in whole
    raise ExpressionFailed(f"{whole!r} cannot hold {part!r}; `in` takes a text or a list on its right")


def _number(value: Value) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    text = value.strip() if isinstance(value, str) else ""
    if not _NUMBER.fullmatch(text):
        raise ExpressionFailed(f"{str(value)[:60]!r} is not a number")
    return float(text) if "." in text else int(text)


def _truth(value: Value) -> bool:
    return value.strip().lower() not in ("", "0", "false") if isinstance(value, str) else bool(value)


def _text(value: Value) -> str:
    if not isinstance(value, str):
        raise ExpressionFailed(f"{str(value)[:60]!r} is not a text")
    return value


def _length(value: Value) -> int:
    return len(value) if isinstance(value, tuple) else len(_text(value))


# name -> (how many values it takes, what it does)
_FUNCTIONS: dict[str, tuple[int, Callable[..., Value]]] = {
    "len": (1, _length),
    "int": (1, lambda value: int(_number(value))),
    "float": (1, lambda value: float(_number(value))),
    "strip": (1, lambda value: _text(value).strip()),
    "lower": (1, lambda value: _text(value).lower()),
}
