"""Which variables a shell command reads and which it sets itself: enough of sh's grammar to be right about both."""

import re
from typing import NamedTuple

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BRACED = re.compile(r"#?([A-Za-z_][A-Za-z0-9_]*)(:?[-=+])?")
_SPECIAL = frozenset("0123456789@*#?$!-")
_HEREDOC = re.compile(r"<<(-?)[ \t]*(\\?'[^'\n]*'|\"[^\"\n]*\"|\\?[A-Za-z0-9_.-]+)")
_START = r"(?:^|[\s;&|(){}`\"!])"
_ASSIGNED = re.compile(_START + r"([A-Za-z_][A-Za-z0-9_]*)(?:\[[^\]\n]{0,80}\])?(?:[-+*/%|&]|<<|>>)?=", re.MULTILINE)
_LOOP = re.compile(_START + r"(?:for|select)\s+(?:\(\(\s*)?([A-Za-z_][A-Za-z0-9_]*)", re.MULTILINE)
_DECLARED = re.compile(
    _START + r"(?:read|export|local|declare|typeset|readonly|mapfile|readarray|let)\b([^;&|<>\n)]*)", re.MULTILINE
)
_DECLARATION = re.compile(r"[\"']?([A-Za-z_][A-Za-z0-9_]*)(?=[\"']?$|[-+*/]?=)")
_PRINTF = re.compile(r"\bprintf\s+-v\s*([A-Za-z_][A-Za-z0-9_]*)")
_GETOPTS = re.compile(r"\bgetopts\s+\S+\s+([A-Za-z_][A-Za-z0-9_]*)")
_DEFAULTED = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*):?=")


class Reference(NamedTuple):
    """A variable that the shell itself would expand. `line` counts from 0 within the command."""

    name: str
    line: int


def references(command: str) -> list[Reference]:
    """Return what the shell would expand, in order; `${x:-...}`, which allows for an unset x, is none."""
    return _Scanner(command).scan()


def assigned_names(command: str) -> frozenset[str]:
    """Return the names that the command sets somewhere itself: by assignment, for, read, export and their like."""
    names: set[str] = set()
    for pattern in (_ASSIGNED, _LOOP, _PRINTF, _GETOPTS, _DEFAULTED):
        names.update(pattern.findall(command))
    for rest in _DECLARED.findall(command):
        names.update(match[1] for word in rest.split() if (match := _DECLARATION.match(word)))
    return frozenset(names)


class _Scanner:
    """One pass over a command. `nesting` holds what encloses the position: `"`, `(` (command) or `$((` (arithmetic)."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: list[Reference] = []
        self.nesting: list[str] = []
        self._line, self._counted = 0, 0  # the line of the last position that was asked for
        self.heredocs: list[tuple[str, bool, bool]] = []  # delimiter, tabs stripped, expanded

    def scan(self) -> list[Reference]:
        while self.at < len(self.text):
            character = self.text[self.at]
            if character == "\\":
                self.at += 2
            elif character == "$":
                self._dollar()
            elif character == '"':
                self._toggle_quotes()
            elif self.nesting and self.nesting[-1] == '"':
                self.at += 1
            else:
                self._plain(character)
        return self.found

    def _plain(self, character: str) -> None:
        """Outside quotes: single quotes, comments, parentheses and here-documents mean something."""
        if character == "'":
            end = self.text.find("'", self.at + 1)
            self.at = len(self.text) if end < 0 else end + 1
        elif character == "#" and (self.at == 0 or self.text[self.at - 1] in " \t\n;&|("):
            end = self.text.find("\n", self.at)
            self.at = len(self.text) if end < 0 else end
        elif character == "(":
            self.nesting.append("(")
            self.at += 1
        elif character == ")":
            if self.nesting and self.nesting[-1] != '"':
                self.nesting.pop()
            self.at += 1
        elif character == "<" and self.text.startswith("<<<", self.at):
            self.at += 3
        elif character == "<" and "$((" not in self.nesting and (match := _HEREDOC.match(self.text, self.at)):
            quoted = match[2][0] in "'\"\\"
            self.heredocs.append((match[2].strip("'\"\\"), bool(match[1]), not quoted))
            self.at = match.end()
        elif character == "\n" and self.heredocs:
            self.at += 1
            self._heredoc_bodies()
        else:
            self.at += 1

    def _toggle_quotes(self) -> None:
        if self.nesting and self.nesting[-1] == '"':
            self.nesting.pop()
        else:
            self.nesting.append('"')
        self.at += 1

    def _dollar(self) -> None:
        rest = self.text[self.at + 1 : self.at + 3]
        quoted = bool(self.nesting) and self.nesting[-1] == '"'
        if rest.startswith("'") and not quoted:
            match = re.compile(r"\$'(?:[^'\\]|\\.)*'?", re.DOTALL).match(self.text, self.at)
            self.at = match.end() if match else len(self.text)
        elif rest == "((":
            self.nesting += ["(", "$(("]
            self.at += 3
        elif rest.startswith("("):
            self.nesting.append("(")
            self.at += 2
        elif rest.startswith("{"):
            braced = _BRACED.match(self.text, self.at + 2)
            if braced and braced[2] is None:
                self._add(braced[1])
            self.at = braced.end() if braced else self.at + 2
        elif name := _NAME.match(self.text, self.at + 1):
            self._add(name[0])
            self.at = name.end()
        else:
            self.at += 2 if rest[:1] in _SPECIAL else 1

    def _add(self, name: str) -> None:
        self.found.append(Reference(name, self._line_here()))

    def _line_here(self) -> int:
        """Count on from the last time: a command may have thousands of references."""
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._line

    def _heredoc_bodies(self) -> None:
        for delimiter, tabs_stripped, expanded in self.heredocs:
            while self.at < len(self.text):
                end = self.text.find("\n", self.at)
                end = len(self.text) if end < 0 else end
                line = self.text[self.at : end]
                if (line.lstrip("\t") if tabs_stripped else line) == delimiter:
                    self.at = end
                    break
                if expanded:
                    first = self._line_here()
                    inner = _Scanner(line.replace('"', " "))
                    inner.nesting.append('"')
                    self.found += [Reference(name, first) for name, _ in inner.scan()]
                self.at = min(end + 1, len(self.text))
        self.heredocs = []
