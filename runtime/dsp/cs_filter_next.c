/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/filter.h"
#include "float_rules.h" /* before what is inlined here: it has to follow the same rules */
#include "filter_state.h"

void cs_filter_next(const cs_filter_path *path, cs_filter_state *state, const float *filter)
{
    state->ready = 0; /* one that nobody used is written over */
    float *next = cs_filter_at(path, state, cs_spare_filter(state));
    for (uint32_t i = 0; i < path->taps; i++) {
        next[i] = filter[i];
    }
    cs_filter_give(state);
}

/* The most bits after the point, of -16 to 30, with which sizes that add up to `sum` stay below 127 / 128 of 2^15 in all. */
static int32_t fraction_of(float sum)
{
    const uint32_t bits = cs_float_bits(sum);
    const int32_t fraction = 141 - (int32_t)(bits >> 23) - ((bits & 0x7fffffu) >= 0x7e0000u);
    return cs_limit(fraction, -16, 30);
}

void cs_filter_next_s16(const cs_filter_path *path, cs_filter_state *state, const float *filter)
{
    state->ready = 0;
    const uint32_t spare = cs_spare_filter(state);
    float sum = 0.0f;
    for (uint32_t i = 0; i < path->taps; i++) {
        sum += filter[i] < 0.0f ? -filter[i] : filter[i];
    }
    const int32_t fraction = fraction_of(sum);
    const float scale = cs_float_from_bits((uint32_t)(fraction + 127) << 23);
    int16_t *next = cs_filter_at_s16(path, state, spare) + path->taps; /* the last tap first: see cs_filter_samples_s16 */
    for (uint32_t i = 0; i < path->taps; i++) {
        *--next = (int16_t)cs_limit(cs_round(filter[i] * scale), -32767, 32767);
    }
    cs_filter_fractions(state)[spare] = (int16_t)fraction;
    cs_filter_give(state);
}

#include "float_rules_end.h"
