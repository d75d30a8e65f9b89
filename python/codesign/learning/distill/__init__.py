# SPDX-License-Identifier: Apache-2.0
"""distill: another enhancer's output as what a network learns from."""
