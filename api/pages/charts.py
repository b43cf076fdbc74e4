"""Pictures of figures: where each bar, dot and label goes, in SVG units. The templates draw them."""

from dataclasses import dataclass
from datetime import date

WIDTH, HEIGHT = 640, 190
BASE = HEIGHT - 24  # the line on which bars stand; labels go below it
TOP = 18
GAP = 4.0
SQUARE = 260
MARGIN = 34


@dataclass(frozen=True)
class Bar:
    """A rectangle with the words for whoever reads it. `series` picks its colour."""

    x: float
    y: float
    width: float
    height: float
    series: int
    words: str


@dataclass(frozen=True)
class Label:
    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Chart:
    bars: list[Bar]
    labels: list[Label]
    legend: list[tuple[int, str, int]]
    most: int


@dataclass(frozen=True)
class Dot:
    """One bin of confidence: predicted along, actual up; the radius grows with how many there are."""

    x: float
    y: float
    radius: float
    predicted: float
    actual: float
    count: int


def stacked(days: list[tuple[date, list[int]]], series: list[str]) -> Chart:
    """Return one stacked bar a day. Every bar carries its number in words; the legend has the totals."""
    most = max((sum(counts) for _, counts in days), default=0)
    step = WIDTH / max(1, len(days))
    width = max(2.0, step - GAP)
    bars: list[Bar] = []
    labels: list[Label] = []
    every = max(1, -(-len(days) // 8))
    for place, (day, counts) in enumerate(days):
        y = float(BASE)
        for number, count in enumerate(counts):
            if count:
                height = (BASE - TOP) * count / most
                y -= height
                words = f"{day:%d %b}: {count} {series[number]}"
                bars.append(Bar(round(place * step, 1), round(y, 1), round(width, 1), round(height, 1), number, words))
        if sum(counts) and len(days) <= 31:
            labels.append(Label(round(place * step + width / 2, 1), round(y - 4, 1), str(sum(counts))))
        if (len(days) - 1 - place) % every == 0:
            labels.append(Label(round(place * step + width / 2, 1), HEIGHT - 7, f"{day:%d %b}"))
    totals = [sum(counts[number] for _, counts in days) for number in range(len(series))]
    return Chart(bars, labels, [(number, name, totals[number]) for number, name in enumerate(series)], most)


def bars(values: list[tuple[str, int]]) -> Chart:
    """Return one bar a value, with its count above and its name below."""
    most = max((count for _, count in values), default=0)
    step = WIDTH / max(1, len(values))
    drawn: list[Bar] = []
    labels: list[Label] = []
    for place, (name, count) in enumerate(values):
        height = (BASE - TOP) * count / most if most else 0
        x, middle = place * step + GAP, place * step + step / 2
        if count:
            drawn.append(Bar(round(x, 1), round(BASE - height, 1), round(step - 2 * GAP, 1), round(height, 1), 0, name))
            labels.append(Label(round(middle, 1), round(BASE - height - 4, 1), str(count)))
        labels.append(Label(round(middle, 1), HEIGHT - 7, name))
    return Chart(drawn, labels, [], most)


def calibration(bins: list[tuple[float, float, int]]) -> list[Dot]:
    """Return dots in a square: on the diagonal, confidence kept its word."""
    side = SQUARE - 2 * MARGIN
    most = max((count for _, _, count in bins), default=1)
    return [
        Dot(
            x=round(MARGIN + side * predicted, 1),
            y=round(SQUARE - MARGIN - side * actual, 1),
            radius=round(4 + 8 * (count / most) ** 0.5, 1),
            predicted=predicted,
            actual=actual,
            count=count,
        )
        for predicted, actual, count in bins
    ]
