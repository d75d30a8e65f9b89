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

#if defined(__ARM_FEATURE_MVE)

#include <arm_mve.h>

/* Four rows of packed weights to int16; where the next four start. */
static inline const int8_t *cs_conv_widen(const int8_t *packed, uint32_t columns, int16_t *wide)
{
    static const uint16_t order[8] = {0, 2, 1, 3, 16, 18, 17, 19};
    const uint16x8_t offsets = vldrhq_u16(order);
    const int8_t *end = packed + 4 * columns;

    for (int32_t left = (int32_t)columns; left > 0; left -= 8, packed += 32, wide += 32) {
        const mve_pred16_t real = vctp16q((uint32_t)left);

        vstrhq_s16(wide, vldrbq_gather_offset_z_s16(packed, offsets, real));
        vstrhq_s16(wide + 8, vldrbq_gather_offset_z_s16(packed + 4, offsets, real));
        vstrhq_s16(wide + 16, vldrbq_gather_offset_z_s16(packed + 8, offsets, real));
        vstrhq_s16(wide + 24, vldrbq_gather_offset_z_s16(packed + 12, offsets, real));
    }
    return end;
}

#else

/* Four rows of packed weights to int16; where the next four start. */
static inline const int8_t *cs_conv_widen(const int8_t *packed, uint32_t columns, int16_t *wide)
{
    for (; columns > 0; columns -= 4, wide += 16) {
        for (uint32_t row = 0; row < 4; row++, packed += 4) {
#if defined(__ARM_FEATURE_DSP)
            uint32_t word, first, second;

            __builtin_memcpy(&word, __builtin_assume_aligned(packed, 4), 4);
            __asm__("sxtb16 %0, %1" : "=r"(first) : "r"(word));
            __asm__("sxtb16 %0, %1, ror #8" : "=r"(second) : "r"(word));
            __builtin_memcpy(__builtin_assume_aligned(wide + 2 * row, 4), &first, 4);
            __builtin_memcpy(__builtin_assume_aligned(wide + 2 * row + 8, 4), &second, 4);
#else
            wide[2 * row] = packed[0];
            wide[2 * row + 1] = packed[2];
            wide[2 * row + 8] = packed[1];
            wide[2 * row + 9] = packed[3];
#endif
        }
    }
    return packed;
}

#endif

#endif
