"""Finds where a sentence for people is read back as data: compared, searched, looked up, parsed, or asked of SQL.

It follows a sentence through what it is put into, within a file. It does not see: one handed to another file under a
neutral name, one that went through JSON, or through a container's field; a field whose name holds other things as well
(`text`, `value`, `label`, `question`); its length; what a database does by itself (a trigger, a generated column).
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

SENTENCES = {
    *("reason", "reasons", "status_reason", "detail", "words", "why", "why_not", "needs_person", "told", "comment"),
    *("problem", "mend", "doubt", "no_secret"),
}
FIELDS = SENTENCES | {"message"}
"""Of an object; in JSON, and as an argument, a message is something that was sent."""
ALSO_TEXTS = {"words"}
"""Arguments of these names may be a text that is searched for, or searched in."""
LOOKS = {
    *("startswith", "endswith", "find", "rfind", "index", "rindex", "count", "partition", "rpartition"),
    *("split", "rsplit", "removeprefix", "removesuffix", "isdisjoint", "issubset", "issuperset", "intersection"),
    *("__eq__", "__ne__", "__contains__"),
    # of a column
    *("like", "ilike", "contains", "icontains", "istartswith", "iendswith", "regexp_match", "op", "in_", "not_in"),
    *("not_like", "not_ilike", "regexp_replace", "is_distinct_from", "is_not_distinct_from", "between"),
}
LOOKED_UP_BY = {
    "get",
    "index",
    "count",
    "isdisjoint",
    "issubset",
    "issuperset",
    "intersection",
    "__contains__",
    "__eq__",
}
"""What something else does with a sentence that it is given."""
PATTERNS = {
    *("compile", "search", "match", "fullmatch", "sub", "subn", "finditer", "findall", "split"),
    *("found_in", "fnmatch", "fnmatchcase"),
}
PARSED_BY = {"eq", "ne", "contains", "countOf", "indexOf", "loads", "literal_eval", "safe_load", "int", "float"}
MADE_OF = {
    "str",
    "repr",
    "getattr",
    "format",
    "set",
    "frozenset",
    "list",
    "tuple",
    "sorted",
    "iter",
    "next",
    "enumerate",
}
MADE_OF |= {"reversed", "zip", "ascii"}
SQL = {"text", "literal_column", "exec_driver_sql"}
IN_SQL = re.compile(
    rf"\b(?:{'|'.join(sorted(SENTENCES))})\b\W*(?:[=~<>!]|(?:not\s+)?(?:i?like|in|similar)\b)", re.IGNORECASE
)
DOMAIN = Path(__file__).resolve().parent.parent / "domain"
ENUMS = {
    name for path in DOMAIN.rglob("*.py") for name in re.findall(r"^class (\w+)\(\w*Enum\)", path.read_text(), re.M)
}

Function = ast.FunctionDef | ast.AsyncFunctionDef
Many = ast.Tuple | ast.List | ast.Set


def sentences_read_back(text: str) -> list[int]:
    """Return the lines where a sentence decides something."""
    tree = ast.parse(text)
    scopes = [_Scope(node) for node in ast.walk(tree) if isinstance(node, Function | ast.Module)]
    for _ in range(3):  # what was put into something that was put into something, or handed on
        fields = {name for scope in scopes for name in scope.fields()}
        for scope in scopes:
            scope.learn(fields)
        for scope in scopes:
            for name, handed in scope.handed_on():
                for other in scopes:
                    other.take(name, handed)
    return sorted({line for scope in scopes for line in scope.lines()})


class _Scope:
    """A function with those inside it, or what stands outside of any: what a sentence was put into is one as well."""

    def __init__(self, scope: ast.AST) -> None:
        self._nodes = list(_inside(scope))
        self._function = scope if isinstance(scope, Function) else None
        self._names = {argument.arg for argument in _arguments(scope) if argument.arg in SENTENCES - ALSO_TEXTS}
        self._fields = set[str]()
        self._errors = {node.name for node in self._nodes if isinstance(node, ast.ExceptHandler) and node.name}

    def learn(self, fields: set[str]) -> None:
        """Take note of what holds a sentence. `fields`: the attributes of `self` that do, in this file."""
        self._fields = fields
        self._names |= {one.id for one in self._assigned() if isinstance(one, ast.Name)}

    def fields(self) -> set[str]:
        """Return the attributes of `self` into which a sentence is put."""
        kept = (one for one in self._assigned() if isinstance(one, ast.Attribute))
        return {one.attr for one in kept if isinstance(one.value, ast.Name) and one.value.id == "self"}

    def handed_on(self) -> Iterator[tuple[str, list[int | str]]]:
        """Yield each function of this file that may be called with sentences, and in which places or by which names."""
        for node in self._nodes:
            match node:
                case ast.Call(func=ast.Name(id=name) | ast.Attribute(value=ast.Name(id="self"), attr=name)):
                    places: list[int | str] = [at for at, one in enumerate(node.args) if self._is_sentence(one)]
                    places += [one.arg for one in node.keywords if one.arg and self._is_sentence(one.value)]
                    yield name, places

    def take(self, name: str, places: list[int | str]) -> None:
        """Take sentences as arguments, if this is the function of that name."""
        if self._function is not None and self._function.name == name:
            names = [one.arg for one in _arguments(self._function) if one.arg not in ("self", "cls")]
            given = {
                one if isinstance(one, str) else names[one]
                for one in places
                if isinstance(one, str) or one < len(names)
            }
            self._names |= given - ALSO_TEXTS

    def lines(self) -> Iterator[int]:
        for node in self._nodes:
            if self._decides(node):
                yield node.lineno  # type: ignore[attr-defined]  # all that decide have one

    def _assigned(self) -> Iterator[ast.expr]:
        """Yield all into which a sentence is put."""
        for node in self._nodes:
            match node:
                case ast.Assign(targets=targets, value=value):
                    for target in targets:
                        yield from self._put(target, value)
                case (
                    ast.NamedExpr(target=target, value=value)
                    | ast.AnnAssign(target=target, value=ast.expr() as value)
                    | ast.AugAssign(target=target, value=value)
                    | ast.For(target=target, iter=value)
                    | ast.AsyncFor(target=target, iter=value)
                    | ast.comprehension(target=target, iter=value)
                ):
                    yield from self._put(target, value)

    def _put(self, target: ast.expr, value: ast.expr) -> Iterator[ast.expr]:
        match target, value:
            case (ast.Tuple(elts=targets) | ast.List(elts=targets), ast.Tuple(elts=values) | ast.List(elts=values)):
                for one, given in zip(targets, values, strict=False):
                    yield from self._put(one, given)
            case (ast.Tuple(elts=[_, last]), ast.Call(func=ast.Name(id="enumerate"), args=[of, *_])):
                yield from self._put(last, of)
            case (ast.Tuple(elts=targets), ast.Call(func=ast.Name(id="zip"), args=values)):
                for one, given in zip(targets, values, strict=False):
                    yield from self._put(one, given)
            case (ast.Tuple(elts=targets) | ast.List(elts=targets), _):
                for one in targets:
                    yield from self._put(one, value)
            case ast.Starred(value=one), _:
                yield from self._put(one, value)
            case _ if self._is_sentence(value):
                yield target

    def _decides(self, node: ast.AST) -> bool:
        match node:
            case ast.Compare(left=left, comparators=others):
                sides = [part for side in [left, *others] for part in _parts(side)]
                return any(map(self._is_sentence, sides)) and not any(map(_is_nothing, sides))
            case ast.BinOp(op=ast.BitAnd() | ast.Sub() | ast.BitXor(), left=left, right=right):
                return self._is_sentence(left) or self._is_sentence(right)
            case ast.Call(func=func):
                return self._calls(node, _called(func))
            case ast.Attribute(attr=name, value=value):
                return name.startswith("__") and name in LOOKS and self._is_sentence(value)
            case ast.Match(subject=subject):
                return any(map(self._is_sentence, _parts(subject)))
            case ast.MatchClass(kwd_attrs=names, kwd_patterns=patterns):
                return any(map(_is_matched, names, patterns))
            case ast.MatchMapping(keys=keys, patterns=patterns):
                return any(
                    _is_named(key) and _is_matched("reason", one) for key, one in zip(keys, patterns, strict=True)
                )
            case ast.Subscript(slice=key):
                return not isinstance(key, ast.Slice) and self._is_sentence(key)
        return False

    def _calls(self, call: ast.Call, name: str) -> bool:
        """Whether this call reads a sentence: a method of it, or something that is given it."""
        given = [*call.args, *(one.value for one in call.keywords)]
        is_given = any(map(self._is_sentence, given))
        if isinstance(call.func, ast.Attribute):
            if name in LOOKS | PATTERNS and self._is_sentence(call.func.value):
                return True
            if name in LOOKED_UP_BY and is_given:
                return True
        if name == "filter_by":
            return any(one.arg in SENTENCES and not _is_nothing(one.value) for one in call.keywords)
        if name in ("attrgetter", "itemgetter"):
            return any(map(_is_named, given))
        if name in SQL:
            texts = (one.value for one in ast.walk(call) if isinstance(one, ast.Constant))
            return any(isinstance(one, str) and IN_SQL.search(one) for one in texts)
        return is_given and name in PATTERNS | PARSED_BY | ENUMS

    def _is_sentence(self, node: ast.AST) -> bool:
        """Whether this reads a field that holds a sentence, of a model or of JSON, or what was made from one."""
        match node:
            case ast.Name(id=name):
                return name in self._names
            case ast.Subscript(value=ast.Attribute(attr="args", value=ast.Name(id=name)), slice=ast.Constant()):
                return name in self._errors
            case ast.Attribute(attr=name, value=value):
                is_own = isinstance(value, ast.Name) and value.id == "self" and name in self._fields
                return name in FIELDS or is_own
            case ast.Subscript(value=value, slice=key):
                is_field = isinstance(key, ast.Constant) and isinstance(key.value, str)
                return _is_named(key) or (not is_field and self._is_sentence(value))
            case ast.Call(func=ast.Attribute(attr=name, value=value), args=args):
                if name in ("get", "pop", "setdefault"):
                    return any(_is_named(one) for one in args[:1])
                is_sql = isinstance(value, ast.Name) and value.id == "func" and any(map(self._is_sentence, args))
                is_put_in = name in ("format", "join") and any(map(self._is_sentence, args))
                return is_sql or is_put_in or self._is_sentence(value)
            case ast.Call(func=ast.Name(id=name), args=args) if name in MADE_OF:
                of_error = any(isinstance(one, ast.Name) and one.id in self._errors for one in args)
                return (of_error and name != "getattr") or any(_is_named(one) or self._is_sentence(one) for one in args)
            case ast.FormattedValue(value=ast.Name(id=name)) if name in self._errors:
                return True
            case ast.BinOp(op=ast.Mod(), right=right):
                return any(map(self._is_sentence, [node.left, *_parts(right)]))
            case ast.IfExp(body=body, orelse=orelse):
                return self._is_sentence(body) or self._is_sentence(orelse)
            case (
                ast.BoolOp() | ast.BinOp(op=ast.Add()) | ast.JoinedStr() | ast.FormattedValue() | ast.List() | ast.Set()
            ):
                return any(map(self._is_sentence, ast.iter_child_nodes(node)))
            case ast.ListComp(elt=made) | ast.SetComp(elt=made) | ast.GeneratorExp(elt=made):
                return self._is_sentence(made)
            case ast.NamedExpr(value=value) | ast.Await(value=value) | ast.Starred(value=value):
                return self._is_sentence(value)
        return False


def _inside(scope: ast.AST) -> Iterator[ast.AST]:
    """Yield what is of this scope: of a function, also what is of those within it, which see its names."""
    for child in ast.iter_child_nodes(scope):
        if isinstance(scope, Function) or not isinstance(child, Function):
            yield child
            yield from _within(child) if isinstance(scope, Function) else _inside(child)


def _within(node: ast.AST) -> Iterator[ast.AST]:
    yield from (one for one in ast.walk(node) if one is not node)


def _arguments(scope: ast.AST) -> list[ast.arg]:
    if not isinstance(scope, Function):
        return []
    return [*scope.args.posonlyargs, *scope.args.args, *scope.args.kwonlyargs]


def _called(func: ast.expr) -> str:
    """Return the last name of what is called."""
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def _parts(node: ast.expr) -> list[ast.expr]:
    return [node, *node.elts] if isinstance(node, ast.Tuple) else [node]


def _is_nothing(node: ast.AST) -> bool:
    """Whether it is only asked if there is any sentence."""
    return isinstance(node, ast.Constant) and node.value in ("", None)


def _is_named(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value in SENTENCES


def _is_matched(name: str, pattern: ast.pattern) -> bool:
    """Whether `match` asks what a sentence says, not only whether there is one."""
    is_any = isinstance(pattern, ast.MatchAs | ast.MatchSingleton)
    return name in SENTENCES and not is_any
