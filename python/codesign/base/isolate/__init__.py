# SPDX-License-Identifier: Apache-2.0
"""isolate: calls in processes of their own → their answers; what dies in one costs that call alone."""

from codesign.base.isolate.cluster_workers import ClusterWorkers, Pool
from codesign.base.isolate.workers import Answer, LimitedCall, Workers

__all__ = ["Answer", "ClusterWorkers", "LimitedCall", "Pool", "Workers"]
