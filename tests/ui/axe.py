"""What axe has against a page."""

import importlib.util
from functools import lru_cache
from pathlib import Path

from playwright.async_api import Page

from tests.needs import need

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@lru_cache
def axe_script() -> str:
    """Return axe-core, from the package that ships it."""
    found = importlib.util.find_spec("axe_playwright_python")
    need(found is not None, "axe-playwright-python is missing: pip install axe-playwright-python==0.1.8")
    assert found is not None
    assert found.origin is not None
    return (Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8")


async def violations(page: Page, where: str) -> list[str]:
    """Return what is against the rules on a page as it is now, in words."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(axe_script())
    results = await page.evaluate("rules => axe.run({runOnly: rules})", RULES)
    return [
        f"{where}: {one['id']}: {one['help']}: {node['html'][:160]}: {node['failureSummary'][:300]}"
        for one in results["violations"]
        for node in one["nodes"][:3]
    ]
