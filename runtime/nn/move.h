/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes from place to place, upwards: `to` may be below `from` in the same memory. */
#ifndef CODESIGN_NN_MOVE_H
#define CODESIGN_NN_MOVE_H

#include <stdint.h>

/* Cores with the DSP extension load and store words at any address; small copies are not worth a call of memcpy. */
static inline void cs_move(void *to, const void *from, uint32_t bytes)
{
    int8_t *t = to;
    const int8_t *f = from;

#if defined(__ARM_FEATURE_DSP)
    for (; bytes >= 32; bytes -= 32, t += 32, f += 32) {
        uint32_t word[8];

        for (uint32_t i = 0; i < 8; i++) { /* unrolled: eight loads, eight stores */
            __builtin_memcpy(&word[i], f + 4 * i, 4);
        }
        for (uint32_t i = 0; i < 8; i++) {
            __builtin_memcpy(t + 4 * i, &word[i], 4);
        }
    }
    for (; bytes >= 4; bytes -= 4, t += 4, f += 4) {
        uint32_t word;

        __builtin_memcpy(&word, f, 4);
        __builtin_memcpy(t, &word, 4);
    }
#endif
    for (; bytes > 0; bytes--) {
        *t++ = *f++;
    }
}

#endif
