"""size: a linked ELF → what it needs of a board's memories, per region, section, symbol and group; its deepest stack."""

from codesign.size.budget import BudgetCheck, check_budget
from codesign.size.footprint import Footprint, Group, Piece, Region, Section, Symbol
from codesign.size.measure import measure

__all__ = ["BudgetCheck", "Footprint", "Group", "Piece", "Region", "Section", "Symbol", "check_budget", "measure"]
