# SPDX-License-Identifier: Apache-2.0
"""plan: Network → MemoryPlan. Every buffer's offset is known before a compiler runs."""

from codesign.compiler.plan.memory import Buffer, BufferKey, MemoryPlan, plan_memory

__all__ = ["Buffer", "BufferKey", "MemoryPlan", "plan_memory"]
