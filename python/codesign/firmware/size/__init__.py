# SPDX-License-Identifier: Apache-2.0
"""size: a linked ELF → what it needs of a board's memories, per region, section, symbol and group; its deepest stack."""

from codesign.firmware.size.budget import BudgetCheck, check_budget
from codesign.firmware.size.footprint import Footprint, Group, NamedBytes, Region, Section, Symbol
from codesign.firmware.size.measure import measure

__all__ = ["BudgetCheck", "Footprint", "Group", "NamedBytes", "Region", "Section", "Symbol", "check_budget", "measure"]
