"""plan: Network + Board → MemoryPlan. Every buffer's offset is known before a compiler runs."""

from codesign.plan.memory import Buffer, MemoryPlan, plan_memory

__all__ = ["Buffer", "MemoryPlan", "plan_memory"]
