/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/filter.h"
#include "filter_state.h"
#include "float_rules.h"

enum { FIRST_HOP = 1, RUNNING = 2 };

/* y[i] = sum of h[m] * x[i - m] in ascending order of m, four samples at a time: a tap is read once for all of them. */
static void convolve_four(const float *restrict h, const float *restrict x, uint32_t taps, float *restrict y)
{
    float b = x[1], c = x[2], d = x[3];
    float y0 = 0.0f, y1 = 0.0f, y2 = 0.0f, y3 = 0.0f;
    for (const float *end = h + taps; h != end; h += 4, x -= 4) {
        const float a = x[0];
        y0 += h[0] * a, y1 += h[0] * b, y2 += h[0] * c, y3 += h[0] * d;
        d = x[-1];
        y0 += h[1] * d, y1 += h[1] * a, y2 += h[1] * b, y3 += h[1] * c;
        c = x[-2];
        y0 += h[2] * c, y1 += h[2] * d, y2 += h[2] * a, y3 += h[2] * b;
        b = x[-3];
        y0 += h[3] * b, y1 += h[3] * c, y2 += h[3] * d, y3 += h[3] * a;
    }
    y[0] = y0, y[1] = y1, y[2] = y2, y[3] = y3;
}

static void convolve(const float *h, const float *x, uint32_t taps, uint32_t n, float *y)
{
    if (n == 4) {
        convolve_four(h, x, taps, y);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        float sum = 0.0f;
        for (uint32_t m = 0; m < taps; m++) {
            sum += h[m] * *(x + i - m);
        }
        y[i] = sum;
    }
}

/* Where a hop has come to the filter of the hop before. */
static void come_in(cs_filter_state *state)
{
    if (state->ready) {
        const uint8_t spare = cs_spare_filter(state);
        state->old = state->current;
        state->current = spare;
        state->faded = 0;
        state->ready = 0;
    } else if (state->started == RUNNING) {
        state->held++;
    }
}

/* How many samples, `n` at most, go before something changes. */
static uint32_t until_change(const cs_filter_path *path, const cs_filter_state *state, uint32_t n)
{
    const uint32_t position = state->position, to_lag = path->lag - position, to_end = path->fade - state->faded;
    n = position < path->lag && to_lag < n ? to_lag : n;
    n = to_end > 0 && to_end < n ? to_end : n;
    return n < 4 ? n : 4;
}

static void filter_some(const cs_filter_path *path, cs_filter_state *state, uint32_t n, int16_t *out)
{
    const float *x = cs_filter_past(path, state) + path->taps - 1 + state->position;
    float y[4], before[4];
    convolve(cs_filter_at(path, state, state->current), x, path->taps, n, y);
    if (state->faded < path->fade) {
        convolve(cs_filter_at(path, state, state->old), x, path->taps, n, before);
        for (uint32_t i = 0; i < n; i++) {
            state->faded++;
            y[i] = before[i] + (y[i] - before[i]) * ((float)state->faded * path->step);
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        out[i] = (int16_t)cs_limit(cs_round(y[i]), -32768, 32767);
    }
}

__attribute__((noinline)) void cs_filter_samples(const cs_filter_path *path, cs_filter_state *state, const int16_t *in,
                                                 int16_t *out, uint32_t n)
{
    const uint32_t kept = path->taps - 1u;
    float *past = cs_filter_past(path, state);
    if (!state->started) {
        cs_filter_at(path, state, 0)[path->taps / 2] = 1.0f;
        state->faded = path->fade;
        state->started = FIRST_HOP;
    }
    for (uint32_t i = 0; i < n; i++) {
        past[kept + state->position + i] = (float)in[i];
    }
    while (n > 0) {
        if (state->position == path->lag) {
            come_in(state);
        }
        const uint32_t some = until_change(path, state, n);
        filter_some(path, state, some, out);
        state->position = (uint16_t)(state->position + some);
        out += some;
        n -= some;
    }
    if (state->position == path->hop) {
        state->position = 0;
        state->started = RUNNING;
        for (uint32_t i = 0; i < kept; i++) {
            past[i] = past[path->hop + i];
        }
    }
}

#include "float_rules_end.h"
