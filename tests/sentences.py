"""Finds where a sentence for people is read back as data: compared, searched, looked up, matched, or asked of SQL."""

import ast
import re
from collections.abc import Iterator

SENTENCES = {
    *("reason", "reasons", "status_reason", "detail", "words", "why", "why_not", "needs_person", "told", "comment"),
    *("problem", "mend", "doubt", "no_secret"),
}
ALSO_TEXTS = {"words"}
"""Arguments of these names may be a text that is searched for, or searched in."""
LOOKS = {
    *("startswith", "endswith", "find", "rfind", "index", "rindex", "count", "partition", "rpartition"),
    *("split", "rsplit", "removeprefix", "removesuffix"),
    *("like", "ilike", "contains", "icontains", "istartswith", "iendswith", "regexp_match"),  # of a column
}
PATTERNS = {
    *("compile", "search", "match", "fullmatch", "sub", "subn", "finditer", "findall", "split"),
    *("found_in", "fnmatch", "fnmatchcase"),
}
SAME_WORDS = {"lower", "upper", "casefold", "strip", "lstrip", "rstrip", "replace", "encode", "get", "join", "format"}
TEXT_OF = {"str", "repr", "getattr"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def sentences_read_back(text: str) -> list[int]:
    """Return the lines where a sentence decides something."""
    tree = ast.parse(text)
    scopes: list[ast.AST] = [tree, *(node for node in ast.walk(tree) if isinstance(node, Function))]
    return sorted({line for scope in scopes for line in _Scope(scope).lines()})


class _Scope:
    """A function, or what stands outside of any: what a sentence was put into is one as well."""

    def __init__(self, scope: ast.AST) -> None:
        self._nodes = list(_inside(scope))
        self._names = {argument.arg for argument in _arguments(scope) if argument.arg in SENTENCES - ALSO_TEXTS}
        self._errors = {node.name for node in self._nodes if isinstance(node, ast.ExceptHandler) and node.name}
        for _ in range(3):  # what was put into something that was put into something
            self._names |= {name for node in self._nodes for name in self._assigned(node)}

    def lines(self) -> Iterator[int]:
        for node in self._nodes:
            if self._decides(node):
                yield node.lineno  # type: ignore[attr-defined]  # all that decide have one

    def _assigned(self, node: ast.AST) -> Iterator[str]:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.NamedExpr(target=ast.Name(id=name), value=value)
            ):
                if self._is_sentence(value):
                    yield name
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if self._is_sentence(value):
                yield name
            case (
                ast.For(target=ast.Name(id=name), iter=value) | ast.comprehension(target=ast.Name(id=name), iter=value)
            ):
                if self._is_sentence(value):
                    yield name

    def _decides(self, node: ast.AST) -> bool:
        match node:
            case ast.Compare(ops=ops, left=left, comparators=others):
                sides = [left, *others]
                equals = any(isinstance(one, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for one in ops)
                return equals and any(map(self._is_sentence, sides)) and not any(map(_is_nothing, sides))
            case ast.Call(func=ast.Attribute(attr=name, value=value), args=args):
                is_looked_at = name in LOOKS and self._is_sentence(value)
                is_key = name == "get" and bool(args) and self._is_sentence(args[0])
                return is_looked_at or is_key or (name in PATTERNS and any(map(self._is_sentence, args)))
            case ast.Call(func=ast.Name(id=name), args=args):
                return name in PATTERNS and any(map(self._is_sentence, args))
            case ast.Match(subject=subject):
                return self._is_sentence(subject)
            case ast.Subscript(slice=key):
                return not isinstance(key, ast.Slice) and self._is_sentence(key)
        return False

    def _is_sentence(self, node: ast.AST) -> bool:
        """Whether this reads a field that holds a sentence, of a model or of JSON, or what was made from one."""
        match node:
            case ast.Name(id=name):
                return name in self._names
            case ast.Subscript(value=ast.Attribute(attr="args", value=ast.Name(id=name)), slice=ast.Constant()):
                return name in self._errors
            case ast.Attribute(attr=name):
                return name in SENTENCES
            case ast.Subscript(value=value, slice=key):
                return (isinstance(key, ast.Constant) and key.value in SENTENCES) or self._is_sentence(value)
            case ast.Call(func=ast.Attribute(attr=name, value=value), args=args) if name in SAME_WORDS:
                named = name == "get" and any(_is_named(one) for one in args[:1])
                return named or self._is_sentence(value)
            case ast.Call(func=ast.Name(id=name), args=args) if name in TEXT_OF:
                of_error = any(isinstance(one, ast.Name) and one.id in self._errors for one in args)
                return of_error or any(_is_named(one) or self._is_sentence(one) for one in args)
            case ast.BoolOp() | ast.BinOp(op=ast.Add()) | ast.IfExp() | ast.JoinedStr() | ast.FormattedValue():
                return any(map(self._is_sentence, ast.iter_child_nodes(node)))
            case ast.NamedExpr(value=value) | ast.Await(value=value) | ast.Starred(value=value):
                return self._is_sentence(value)
        return False


def _inside(scope: ast.AST) -> Iterator[ast.AST]:
    """Yield what is of this scope; a function within has its own."""
    for child in ast.iter_child_nodes(scope):
        if not isinstance(child, Function):
            yield child
            yield from _inside(child)


def _arguments(scope: ast.AST) -> list[ast.arg]:
    if not isinstance(scope, Function):
        return []
    return [*scope.args.posonlyargs, *scope.args.args, *scope.args.kwonlyargs]


def _is_nothing(node: ast.AST) -> bool:
    """Whether it is only asked if there is any sentence."""
    return isinstance(node, ast.Constant) and node.value in ("", None)


def _is_named(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value in SENTENCES


_ANY = "|".join(sorted(SENTENCES))
_IN_TEMPLATES = re.compile(
    rf"\.(?:{_ANY})\b(?:\s*\|\s*\w+)*\s*(?:[!=]=|\bin\s+[\[({{'\"])"  # one.reason == "..."
    rf"|[!=]=\s*[\w.]*\.(?:{_ANY})\b"
    rf"|[\w'\"]\s+in\s+[\w.]*\.(?:{_ANY.replace('reasons|', '')})\b"  # "..." in one.reason
    rf"|\.(?:{_ANY})\.(?:{'|'.join(sorted(LOOKS | {'includes', 'match', 'search', 'indexOf', 'startsWith'}))})\("
    rf"|(?:select|reject)attr\(\s*['\"](?:\w+\.)*(?:{_ANY})['\"]\s*,"
)


def sentences_read_in(template: str) -> list[int]:
    """Return the lines of a template or a script where a sentence decides something."""
    template = re.sub(r"\bfor [\w, ]+ in\b", "for", template)
    return [template.count("\n", 0, found.start()) + 1 for found in _IN_TEMPLATES.finditer(template)]
