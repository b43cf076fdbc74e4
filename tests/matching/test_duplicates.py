"""Near-duplicate runbooks are found; siblings are not taken for them."""

from domain.matching.match import Duplicate, RunbookDocument
from matching import Matcher
from tests.matching.samples import DISK, LIBRARY


def duplicates(*more: RunbookDocument, of: str = DISK.id) -> list[Duplicate]:
    matcher = Matcher()
    for document in [*LIBRARY, *more]:
        matcher.upsert(document)
    return matcher.duplicates(of)


def test_a_library_of_different_work_has_none() -> None:
    assert all(duplicates(of=document.id) == [] for document in LIBRARY)


def test_a_copy_is_a_duplicate_both_ways() -> None:
    copy = DISK.model_copy(update={"id": "copy"})
    [found] = duplicates(copy)
    assert (found.runbook_id, found.likeness) == ("copy", 1.0)
    assert "the same title" in found.reason
    assert [one.runbook_id for one in duplicates(copy, of="copy")] == [DISK.id]


def test_a_reworded_copy_is_one_too() -> None:
    reworded = DISK.model_copy(
        update={"id": "reworded", "title": "Free the disk space of a web server", "body": DISK.body + "\nTell the team"}
    )
    [found] = duplicates(reworded)
    assert found.runbook_id == "reworded"
    assert 0.6 <= found.likeness < 1


def test_a_sibling_that_does_the_opposite_is_not() -> None:
    start = RunbookDocument(id="start", title="Some replicas of the search service are down", body="Look at the pods")
    other = start.model_copy(update={"id": "all", "title": "All replicas of the search service are down"})
    assert duplicates(start, other, of="start") == []


def test_a_runbook_that_is_not_there_has_none() -> None:
    assert duplicates(of="nothing") == []
