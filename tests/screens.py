"""Finds where a template or a script reads a sentence for people back as data.

It follows a sentence through what it is put into, within a file. It does not see one that a macro gets under a neutral
name, or that a script reads from the page.
"""

import re
from collections.abc import Iterator

from jinja2 import Environment, nodes

from tests.sentences import LOOKS, SENTENCES

ASKS_ONLY_IF_ANY = {"defined", "undefined", "none", "string", "iterable", "sequence", "mapping", "true", "false"}
LOOKED_UP_BY = {"get", "index", "count"}
NOT_ITS_WORDS = {"length", "count"}
"""Filters that leave nothing of what it says."""
BY_A_FIELD = {"selectattr", "rejectattr", "groupby"}

_JINJA = Environment()


def sentences_read_in(template: str) -> list[int]:
    """Return the lines of a template, and of a script in it, where a sentence decides something."""
    tree = _JINJA.parse(template)
    names = _names_in(tree)
    found = {node.lineno for node in tree.find_all(nodes.Node) if _decides(node, names)}
    return sorted({*found, *sentences_read_by(re.sub(r"{[{%#].*?[#%}]}", _blank, template, flags=re.DOTALL))})


def _blank(found: re.Match[str]) -> str:
    return "\n" * found.group().count("\n")


def _names_in(tree: nodes.Template) -> set[str]:
    """Return the names into which a sentence is put."""
    names = set[str]()
    for _ in range(3):  # what was put into something that was put into something
        for node in tree.find_all((nodes.Assign, nodes.AssignBlock, nodes.For, nodes.With)):
            names |= {one for target, value in _put(node) if _is_sentence(value, names) for one in _targets(target)}
    return names


def _put(node: nodes.Node) -> Iterator[tuple[nodes.Node, nodes.Node]]:
    match node:
        case nodes.Assign():
            yield node.target, node.node
        case nodes.For():
            yield node.target, node.iter
        case nodes.With():
            yield from zip(node.targets, node.values, strict=True)
        case nodes.AssignBlock():
            yield from ((node.target, one) for part in node.body for one in part.find_all(nodes.Expr))


def _targets(target: nodes.Node) -> Iterator[str]:
    if isinstance(target, nodes.Name):
        yield target.name
    yield from (one.name for one in target.find_all(nodes.Name))


def _decides(node: nodes.Node, names: set[str]) -> bool:
    match node:
        case nodes.Compare():
            sides = [node.expr, *(one.expr for one in node.ops)]
            sides += [part for side in sides if isinstance(side, nodes.Tuple) for part in side.items]
            return any(_is_sentence(one, names) for one in sides) and not any(map(_is_nothing, sides))
        case nodes.Test():
            given = [node.node, *(node.args or [])]
            return node.name not in ASKS_ONLY_IF_ANY and any(_is_sentence(one, names) for one in given)
        case nodes.Call(node=nodes.Getattr() as method):
            is_looked_up = method.attr in LOOKED_UP_BY and any(_is_sentence(one, names) for one in node.args)
            return is_looked_up or (method.attr in LOOKS and _is_sentence(method.node, names))
        case nodes.Filter() if node.name in BY_A_FIELD:
            fields = [str(one.value).split(".")[-1] for one in node.args if isinstance(one, nodes.Const)]
            return bool(fields) and fields[0] in SENTENCES and (node.name == "groupby" or len(node.args) > 1)
        case nodes.Getitem():
            return _is_sentence(node.arg, names)
    return False


def _is_sentence(node: nodes.Node, names: set[str]) -> bool:
    match node:
        case nodes.Name():
            return node.name in names
        case nodes.Getattr():
            return node.attr in SENTENCES
        case nodes.Getitem():
            return _is_named(node.arg) or _is_sentence(node.node, names)
        case nodes.Filter():
            is_named = node.name in ("attr", "map") and any(
                map(_is_named, [*node.args, *(o.value for o in node.kwargs)])
            )
            is_one = node.node is not None and _is_sentence(node.node, names)
            return is_named or (is_one and node.name not in NOT_ITS_WORDS)
        case nodes.Call(node=nodes.Getattr() as method):
            is_named = method.attr == "get" and any(map(_is_named, node.args))
            return is_named or _is_sentence(method.node, names)
        case nodes.CondExpr():
            return any(one is not None and _is_sentence(one, names) for one in (node.expr1, node.expr2))
        case nodes.Or() | nodes.And() | nodes.Add() | nodes.Mod() | nodes.Concat() | nodes.List():
            return any(_is_sentence(one, names) for one in node.iter_child_nodes())
    return False


def _is_named(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Const) and node.value in SENTENCES


def _is_nothing(node: nodes.Node) -> bool:
    """Whether it is only asked if there is any sentence."""
    return isinstance(node, nodes.Const) and node.value in ("", None)


_FIELD = rf"\.(?:{'|'.join(sorted(SENTENCES))})\b(?!\??\.\w+[^\w(])"  # `event.detail.target` is no sentence
_EQUALS = r"(?:[=!]==?(?!=|\s*(?:''|\"\"|null|undefined)))"
_LOOKS = r"\.(?:includes|match|search|indexOf|lastIndexOf|startsWith|endsWith|split|localeCompare|charAt|at)\("


def sentences_read_by(script: str) -> list[int]:
    """Return the lines of a script where a sentence decides something."""
    script = re.sub(r"\?\.(?=\[)|\?(?=\.)", "", script)
    script = re.sub(r"\[(['\"`])(\w+)\1\]", r".\2", script)
    put = re.findall(rf"(\w+)\s*=\s*[\w.()]*{_FIELD}", script)
    taken = [one for group in re.findall(r"{([^{}]*)}\s*=(?!=)", script) for one in group.split(",")]
    put += [
        new.strip() or old.strip() for old, _, new in (one.partition(":") for one in taken) if old.strip() in SENTENCES
    ]
    of_names = [rf"(?<![\w.]){name}\b" for name in sorted(set(put))]
    said = "(?:" + "|".join([rf"[\w.()]*{_FIELD}", *of_names]) + ")"
    same = rf"{said}(?:\.(?:to\w+|trim\w*|slice|substring|substr|replace\w*|normalize)\([^()]*\))*"
    reads = (
        rf"{same}\s*{_EQUALS}",
        rf"(?<!=){_EQUALS}\s*{said}(?!\s*\()",
        rf"{same}{_LOOKS}",
        rf"\bswitch\s*\(\s*{said}",
        rf"(?:\.(?:test|exec|includes|has|get|indexOf)\(|\w\[)\s*{said}",
    )
    starts = [found.start() for one in reads for found in re.finditer(one, script)]
    return sorted({script.count("\n", 0, start) + 1 for start in starts})
