"""No text of a ticket or a runbook keeps matching busy for longer than its length is worth."""

from collections.abc import Callable

import pytest

from domain.matching.match import MatchQuery, RunbookDocument
from matching.codes import codes
from matching.document import prepare
from matching.markdown import sentences, split_markdown
from matching.masking import mask
from matching.query import prepare_query
from matching.text import compounds, spaced, technical_names, terms
from tests.hostile import dear

READERS: dict[str, Callable[[str], object]] = {
    "mask": lambda text: mask(text, {"host": "a-a", "instance": text[:200]}),
    "terms": terms,
    "compounds": compounds,
    "spaced": spaced,
    "technical names": technical_names,
    "markdown": lambda text: split_markdown(text, "title"),
    "sentences": sentences,
    "codes": codes,
    "a ticket": lambda text: prepare_query(
        MatchQuery(title=text, description=text, service=text, labels={"job": text})
    ),
    "a runbook": lambda text: prepare(
        RunbookDocument(id="r", title=text[:200], description=text, symptoms=[text[:200]], body=text)
    ),
}


@pytest.mark.parametrize("what", READERS)
def test_work_grows_with_the_text(what: str) -> None:
    assert dear(READERS[what]) == {}
