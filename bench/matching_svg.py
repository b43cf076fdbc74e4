"""The reliability diagram: what a confidence promised, and how often it was right."""

from bench.matching_score import Bin

SIZE, EDGE = 360, 48
INK, FAINT, ACCENT = "#334155", "#cbd5e1", "#0f766e"


def reliability_diagram(bins: list[Bin]) -> str:
    """Return an SVG: a dot for each tenth of confidence, larger for more tickets; the diagonal is honest."""
    total = sum(one.tickets for one in bins) or 1
    span = SIZE - 2 * EDGE

    def x(value: float) -> float:
        return round(EDGE + value * span, 1)

    def y(value: float) -> float:
        return round(SIZE - EDGE - value * span, 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" role="img"'
        f' font-family="system-ui, sans-serif" font-size="11" fill="{INK}">',
        "<title>Reliability of the confidence</title>",
        f'<rect width="{SIZE}" height="{SIZE}" fill="#ffffff"/>',
        f'<path d="M{x(0)} {y(0)}H{x(1)}M{x(0)} {y(0)}V{y(1)}" stroke="{INK}" fill="none"/>',
        f'<path d="M{x(0)} {y(0)}L{x(1)} {y(1)}" stroke="{FAINT}" stroke-dasharray="4 4"/>',
        f'<path d="M{x(0.8)} {y(0)}V{y(1)}" stroke="{FAINT}"/>',
        f'<text x="{x(0.8)}" y="{y(1) - 8}" text-anchor="middle">runs unattended from here</text>',
        f'<text x="{SIZE / 2}" y="{SIZE - 10}" text-anchor="middle">confidence</text>',
        f'<text x="14" y="{SIZE / 2}" text-anchor="middle" transform="rotate(-90 14 {SIZE / 2})">right</text>',
    ]
    for tick in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        parts.append(f'<text x="{x(tick)}" y="{y(0) + 16}" text-anchor="middle">{tick:.1f}</text>')
        parts.append(f'<text x="{x(0) - 8}" y="{y(tick) + 4}" text-anchor="end">{tick:.1f}</text>')
    for one in bins:
        radius = round(3 + 14 * (one.tickets / total) ** 0.5, 1)
        parts.append(
            f'<circle cx="{x(one.confidence)}" cy="{y(one.right)}" r="{radius}" fill="{ACCENT}" fill-opacity="0.7">'
            f"<title>{one.tickets} tickets: promised {one.confidence:.2f}, right {one.right:.2f}</title></circle>"
        )
    return "\n".join([*parts, "</svg>", ""])
