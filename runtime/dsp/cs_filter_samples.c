/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/filter.h"
#include "float_rules.h" /* before what is inlined here: it has to follow the same rules */
#include "filter_state.h"

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
        cs_filter_at(path, state, 0)[path->delay] = 1.0f;
        state->faded = path->fade;
        state->started = CS_FIRST_HOP;
    }
    for (uint32_t i = 0; i < n; i++) {
        past[kept + state->position + i] = (float)in[i];
    }
    if (cs_filter_run(path, state, out, n, filter_some)) {
        for (uint32_t i = 0; i < kept; i++) {
            past[i] = past[path->hop + i];
        }
    }
}

#include "float_rules_end.h"
