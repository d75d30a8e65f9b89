/* SPDX-License-Identifier: Apache-2.0 */
/* Samples and taps of 16 bits. Sizes of the taps add up to less than 2^15, so that no sum leaves 30 bits, in whatever order. */
#include "codesign/filter.h"
#include "filter_state.h"
#include "fixed_rules.h"

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>
#endif

#define ONE_BITS 14
#define LIMIT (1 << 30)

/* y[i] = sum of h[m] * x[i + m], the filter turned around: both in ascending order. */
static void convolve(const int16_t *h, const int16_t *x, uint32_t taps, uint32_t n, int32_t *y)
{
    for (uint32_t i = 0; i < n; i++, x++) {
        int32_t sum = 0;
        for (uint32_t m = 0; m < taps; m++) {
            sum += h[m] * x[m];
        }
        y[i] = sum;
    }
}

#if defined(__ARM_FEATURE_MVE)

static void convolve_four(const int16_t *h, const int16_t *x, uint32_t taps, int32_t *y)
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

static inline uint32_t pair(const int16_t *x)
{
    uint32_t word;
    __builtin_memcpy(&word, x, 4);
    return word;
}

/* The first of `high` below, the second of `low` above: neighbours in reverse order. */
static inline uint32_t between(uint32_t low, uint32_t high)
{
    uint32_t word;
    __asm__("pkhbt %0, %1, %2" : "=r"(word) : "r"(high), "r"(low));
    return word;
}

static inline int32_t add_pair(int32_t sum, uint32_t h, uint32_t x)
{
    __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(h), "r"(x));
    return sum;
}

static inline int32_t add_reversed(int32_t sum, uint32_t h, uint32_t x)
{
    __asm__("smladx %0, %1, %2, %0" : "+r"(sum) : "r"(h), "r"(x));
    return sum;
}

/* Four taps of four samples a round: a word holds two of either, x21 the second of one word and the first of the next. */
static void convolve_four(const int16_t *h, const int16_t *x, uint32_t taps, int32_t *y)
{
    int32_t y0 = 0, y1 = 0, y2 = 0, y3 = 0;
    uint32_t x01 = pair(x), x23 = pair(x + 2), x21 = between(x01, x23);
    for (const int16_t *end = h + taps; h != end; h += 4, x += 4) {
        uint32_t taps_4[2];
        __builtin_memcpy(taps_4, __builtin_assume_aligned(h, 4), 8);
        const uint32_t x45 = pair(x + 4), x43 = between(x23, x45);
        y0 = add_pair(y0, taps_4[0], x01);
        y1 = add_reversed(y1, taps_4[0], x21);
        y2 = add_pair(y2, taps_4[0], x23);
        y3 = add_reversed(y3, taps_4[0], x43);
        x01 = x45;
        const uint32_t x67 = pair(x + 6);
        x21 = between(x45, x67);
        y0 = add_pair(y0, taps_4[1], x23);
        y1 = add_reversed(y1, taps_4[1], x43);
        y2 = add_pair(y2, taps_4[1], x45);
        y3 = add_reversed(y3, taps_4[1], x21);
        x23 = x67;
    }
    y[0] = y0, y[1] = y1, y[2] = y2, y[3] = y3;
}

#else

static void convolve_four(const int16_t *h, const int16_t *x, uint32_t taps, int32_t *y)
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

/* n samples by one of the three filters, with 8 bits after the point. */
static void through(const cs_filter_path *path, cs_filter_state *state, uint32_t which, uint32_t n, int32_t *y)
{
    const int16_t *h = cs_filter_at_s16(path, state, which), *x = cs_filter_past_s16(path, state) + state->position;
    const int32_t excess = cs_filter_fractions(state)[which] - 8;
    const int32_t up = cs_clamp(-excess, 0, 30), down = cs_clamp(excess, 0, 31), limit = LIMIT >> up;
    if (n == 4) {
        convolve_four(h, x, path->taps, y);
    } else {
        convolve(h, x, path->taps, n, y);
    }
    for (uint32_t i = 0; i < n; i++) {
        y[i] = cs_shift_up(cs_clamp(y[i], -limit, limit), up) >> down;
    }
}

static void filter_some(const cs_filter_path *path, cs_filter_state *state, uint32_t n, int16_t *out)
{
    int32_t y[4], before[4];
    through(path, state, state->current, n, y);
    if (state->faded < path->fade) {
        through(path, state, state->old, n, before);
        for (uint32_t i = 0; i < n; i++) {
            const int64_t difference = (int64_t)y[i] - before[i];
            state->faded++;
            y[i] = (int32_t)(before[i] + ((difference * (int32_t)(state->faded * path->fixed_step)) >> 16));
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        out[i] = (int16_t)cs_saturate_s16((y[i] + (1 << 7)) >> 8);
    }
}

__attribute__((noinline)) void cs_filter_samples_s16(const cs_filter_path *path, cs_filter_state *state, const int16_t *in,
                                                     int16_t *out, uint32_t n)
{
    const uint32_t kept = path->taps - 1u;
    int16_t *past = cs_filter_past_s16(path, state);
    if (!state->started) {
        cs_filter_at_s16(path, state, 0)[kept - path->delay] = 1 << ONE_BITS;
        cs_filter_fractions(state)[0] = ONE_BITS;
        state->faded = path->fade;
        state->started = CS_FIRST_HOP;
    }
    for (uint32_t i = 0; i < n; i++) {
        past[kept + state->position + i] = in[i];
    }
    if (cs_filter_run(path, state, out, n, filter_some)) {
        for (uint32_t i = 0; i < kept; i++) {
            past[i] = past[path->hop + i];
        }
    }
}
