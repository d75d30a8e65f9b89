/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes from place to place, upwards: `to` may be below `from` in the same memory. */
#ifndef CODESIGN_NN_MOVE_H
#define CODESIGN_NN_MOVE_H

#include "codesign/layout.h"

#if defined(__ARM_FEATURE_DSP) || defined(__ARM_FEATURE_MVE)

static inline void cs_move(void *to, const void *from, uint32_t bytes)
{
    cs_move_up(to, from, bytes);
}

#else

static inline void cs_move(void *to, const void *from, uint32_t bytes)
{
    int8_t *t = to;
    const int8_t *f = from;

    for (; bytes > 0; bytes--) {
        *t++ = *f++;
    }
}

#endif

#endif
