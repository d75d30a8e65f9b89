# SPDX-License-Identifier: Apache-2.0
"""One budget as a bar: what is used, the error of an estimate, the limit."""

from __future__ import annotations

from markupsafe import Markup

from codesign.drawing.svg import WIDTH, chart, element
from codesign.proof.report.content import BudgetRow


def budget_bar(budget: BudgetRow) -> Markup:
    """The bar's end is the limit, or what is used where that is more."""
    upper = budget.used * (1 + budget.error)
    scale = (WIDTH - 2) / max(budget.limit, upper, 1e-9)
    drawn = [
        element("rect", x=0, y=6, width=WIDTH, height=28, rx=6, class_="rail"),
        element("rect", x=0, y=6, width=max(4.0, budget.used * scale), height=28, rx=6, class_="ok" if budget.ok else "over"),
    ]
    if budget.error:
        low, high = budget.used * (1 - budget.error) * scale, upper * scale
        drawn.append(element("path", d=f"M{low:.1f} 13v14M{low:.1f} 20H{high:.1f}M{high:.1f} 13v14", class_="whisker"))
    drawn.append(element("rect", x=budget.limit * scale - 2, y=0, width=4, height=40, class_="limit"))
    return chart(
        f"{budget.name} budget", f"{used_percent(budget):.0f} % of the limit is used", 40, *drawn, preserveAspectRatio="none"
    )


def used_percent(budget: BudgetRow) -> float:
    """What is used, in percent of the limit."""
    return 100 * budget.used / budget.limit if budget.limit else 100.0
