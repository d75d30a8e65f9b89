/* SPDX-License-Identifier: Apache-2.0 */
/* Samples and taps of 16 bits. Sizes of the taps add up to less than 2^15, so that no sum leaves 30 bits, in whatever order. */
#include "codesign/filter.h"
#include "convolve_s16.h"
#include "filter_state.h"
#include "fixed_rules.h"

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

/* n samples by one of the three filters, with 8 bits after the point. */
static void through(const cs_filter_path *path, cs_filter_state *state, uint32_t which, uint32_t n, int32_t *y)
{
    const int16_t *h = cs_filter_at_s16(path, state, which), *x = cs_filter_past_s16(path, state) + state->position;
    const int32_t excess = cs_filter_fractions(state)[which] - 8;
    const int32_t up = cs_clamp(-excess, 0, 30), down = cs_clamp(excess, 0, 31), limit = LIMIT >> up;
    if (n == 4) {
        cs_convolve_four_s16(h, x, path->taps, y);
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
