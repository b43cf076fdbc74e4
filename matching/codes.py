"""Codes: `0x800CCC80`, `ORA-01555`, `503`, `4625`. Two texts with different codes are about different things."""

import re

_CODE = re.compile(r"\b(?:0x[0-9a-fA-F]{4,10}|[A-Z]{2,10}[-_]?\d{2,6}|[45]\d\d|\d{4,6})\b")


def codes(text: str) -> frozenset[str]:
    """Return the codes that a text gives, in one spelling."""
    return frozenset(code.lower().replace("-", "").replace("_", "") for code in _CODE.findall(text))
