/* SPDX-License-Identifier: Apache-2.0 */
/* Closes float_rules.h: what it asked of clang holds for the functions between the two. No include guard, a file ends once. */
#if defined(__clang__)
#pragma clang attribute pop
#endif
