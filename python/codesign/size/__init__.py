"""size: ELF → Footprint and worst-case stack, from the linked file alone."""

from codesign.size.footprint import BudgetCheck, Footprint, Group, Region, SymbolSize, check_budget, measure
from codesign.size.stack import StackReport, worst_stack

__all__ = [
    "BudgetCheck",
    "Footprint",
    "Group",
    "Region",
    "StackReport",
    "SymbolSize",
    "check_budget",
    "measure",
    "worst_stack",
]
