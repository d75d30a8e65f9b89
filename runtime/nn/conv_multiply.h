/* SPDX-License-Identifier: Apache-2.0 */
/* Four rows of int8 weights times pairs of int16 patches, in the orders that suit a core. */
#ifndef CODESIGN_NN_CONV_MULTIPLY_H
#define CODESIGN_NN_CONV_MULTIPLY_H

#include <stdint.h>

#define CS_ROUND_UP_8(n) (((n) + 7u) & ~7u)

/* Where column c of a patch stands in its pair, a and b, of 2 * columns elements, and how far b's stands after a's. Without
 * vectors columns 0 and 1 of both patches stand together, then 2 and 3, ...; those of four rows too. With vectors the first
 * eight columns of a row stand in front of those of the next, then the second eight, ... */
#if defined(__ARM_FEATURE_MVE)
#define CS_PATCH_COLUMN(column) (column)
#define CS_PATCH_NEXT(pair) ((pair) / 2u)
#else
#define CS_PATCH_COLUMN(column) (((column) >> 1) * 4u + ((column) & 1u))
#define CS_PATCH_NEXT(pair) 2u
#endif

/* For `pairs` pairs of patches and each of four rows: acc[row * stride + patch] = bias[row] + products, modulo 2^32.
 * `columns` is a multiple of 4; rows and patches are 4-byte aligned. */
void cs_conv_multiply(const int16_t *rows, const int16_t *patches, uint32_t columns, uint32_t pairs, const int32_t *bias,
                      int32_t *acc, uint32_t stride);

#endif
