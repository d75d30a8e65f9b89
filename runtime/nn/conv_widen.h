/* SPDX-License-Identifier: Apache-2.0 */
/* Packed int8 weights to the int16 rows that cs_conv_multiply takes. */
#ifndef CODESIGN_NN_CONV_WIDEN_H
#define CODESIGN_NN_CONV_WIDEN_H

#include <stdint.h>

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

/* Four rows of packed weights to int16; where the next four start. No part of its caller, whose numbers fill the registers. */
static __attribute__((noinline)) const int8_t *cs_conv_widen(const int8_t *packed, uint32_t columns, int16_t *wide)
{
#if defined(__ARM_FEATURE_DSP)
    for (; columns > 0; columns -= 4, packed += 16, wide += 16) { /* four loads, then what they brought: none waits */
        uint32_t word[4], half[8];

        __builtin_memcpy(word, __builtin_assume_aligned(packed, 4), 16);
        __asm__("sxtb16 %0, %8\n\t"
                "sxtb16 %1, %9\n\t"
                "sxtb16 %2, %10\n\t"
                "sxtb16 %3, %11\n\t"
                "sxtb16 %4, %8, ror #8\n\t"
                "sxtb16 %5, %9, ror #8\n\t"
                "sxtb16 %6, %10, ror #8\n\t"
                "sxtb16 %7, %11, ror #8"
                : "=&r"(half[0]), "=&r"(half[1]), "=&r"(half[2]), "=&r"(half[3]), "=&r"(half[4]), "=&r"(half[5]),
                  "=&r"(half[6]), "=r"(half[7])
                : "r"(word[0]), "r"(word[1]), "r"(word[2]), "r"(word[3]));
        __builtin_memcpy(__builtin_assume_aligned(wide, 4), half, 32);
    }
#else
    for (; columns > 0; columns -= 4, wide += 16) {
        for (uint32_t row = 0; row < 4; row++, packed += 4) {
            wide[2 * row] = packed[0];
            wide[2 * row + 1] = packed[2];
            wide[2 * row + 8] = packed[1];
            wide[2 * row + 9] = packed[3];
        }
    }
#endif
    return packed;
}

#endif

#endif
