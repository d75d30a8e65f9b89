/* SPDX-License-Identifier: Apache-2.0 */
/* Four neighbouring samples of a convolution of int16: y[i] = sum of h[m] * x[i + m], for filters that are turned around. */
#ifndef CODESIGN_CONVOLVE_S16_H
#define CODESIGN_CONVOLVE_S16_H

#include <stdint.h>

#include "dot_s16.h"

#if defined(__ARM_FEATURE_MVE)

#include <arm_mve.h>

static inline void cs_convolve_four_s16(const int16_t *h, const int16_t *x, uint32_t taps, int32_t *y)
{
    int32_t y0 = 0, y1 = 0, y2 = 0, y3 = 0;
    for (int32_t left = (int32_t)taps; left > 0; left -= 8, h += 8, x += 8) {
        const mve_pred16_t real = vctp16q((uint32_t)left);
        const int16x8_t taps_8 = vldrhq_z_s16(h, real);
        y0 = vmladavaq_s16(y0, taps_8, vldrhq_z_s16(x, real));
        y1 = vmladavaq_s16(y1, taps_8, vldrhq_z_s16(x + 1, real));
        y2 = vmladavaq_s16(y2, taps_8, vldrhq_z_s16(x + 2, real));
        y3 = vmladavaq_s16(y3, taps_8, vldrhq_z_s16(x + 3, real));
    }
    y[0] = y0, y[1] = y1, y[2] = y2, y[3] = y3;
}

#elif defined(__ARM_FEATURE_DSP)

/* The first of `high` below, the second of `low` above: neighbours in reverse order. */
static inline uint32_t cs_between(uint32_t low, uint32_t high)
{
    uint32_t word;
    __asm__("pkhbt %0, %1, %2" : "=r"(word) : "r"(high), "r"(low));
    return word;
}

static inline int32_t cs_add_reversed(int32_t sum, uint32_t h, uint32_t x)
{
    __asm__("smladx %0, %1, %2, %0" : "+r"(sum) : "r"(h), "r"(x));
    return sum;
}

/* Four taps of four samples a round: a word holds two of either, x21 the second of one word and the first of the next. */
static inline void cs_convolve_four_s16(const int16_t *h, const int16_t *x, uint32_t taps, int32_t *y)
{
    int32_t y0 = 0, y1 = 0, y2 = 0, y3 = 0;
    uint32_t x01 = cs_pair(x), x23 = cs_pair(x + 2), x21 = cs_between(x01, x23);
    for (const int16_t *end = cs_unknown(h + taps); h != end; h += 4, x += 4) {
        uint32_t taps_4[2];
        __builtin_memcpy(taps_4, __builtin_assume_aligned(h, 4), 8);
        const uint32_t x45 = cs_pair(x + 4), x43 = cs_between(x23, x45);
        y0 = cs_add_pair(y0, taps_4[0], x01);
        y1 = cs_add_reversed(y1, taps_4[0], x21);
        y2 = cs_add_pair(y2, taps_4[0], x23);
        y3 = cs_add_reversed(y3, taps_4[0], x43);
        x01 = x45;
        const uint32_t x67 = cs_pair(x + 6);
        x21 = cs_between(x45, x67);
        y0 = cs_add_pair(y0, taps_4[1], x23);
        y1 = cs_add_reversed(y1, taps_4[1], x43);
        y2 = cs_add_pair(y2, taps_4[1], x45);
        y3 = cs_add_reversed(y3, taps_4[1], x21);
        x23 = x67;
    }
    y[0] = y0, y[1] = y1, y[2] = y2, y[3] = y3;
}

#else

static inline void cs_convolve_four_s16(const int16_t *h, const int16_t *x, uint32_t taps, int32_t *y)
{
    int32_t y0 = 0, y1 = 0, y2 = 0, y3 = 0;
    int32_t a = x[0], b = x[1], c = x[2];
    for (const int16_t *end = h + taps; h != end; h += 4, x += 4) {
        const int32_t d = x[3];
        y0 += h[0] * a, y1 += h[0] * b, y2 += h[0] * c, y3 += h[0] * d;
        a = x[4];
        y0 += h[1] * b, y1 += h[1] * c, y2 += h[1] * d, y3 += h[1] * a;
        b = x[5];
        y0 += h[2] * c, y1 += h[2] * d, y2 += h[2] * a, y3 += h[2] * b;
        c = x[6];
        y0 += h[3] * d, y1 += h[3] * a, y2 += h[3] * b, y3 += h[3] * c;
    }
    y[0] = y0, y[1] = y1, y[2] = y2, y[3] = y3;
}

#endif

#endif
