/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/filter.h"
#include "filter_state.h"
#include "fixed_rules.h"

/* How far words whose sizes add up to `sum` go down, so that they stay below 127 / 128 of 2^15 in all. */
static int32_t excess_of(uint64_t sum)
{
    const uint32_t high = (uint32_t)(sum >> 32);
    const int32_t length = high > 0 ? 64 - cs_leading_zeros(high) : 32 - cs_leading_zeros((uint32_t)sum);
    const int32_t down = length - 15 + (sum << 7 >= (uint64_t)127 << length);
    return down > 0 ? down : 0;
}

void cs_filter_next_q31(const cs_filter_path *path, cs_filter_state *state, const int32_t *filter, int32_t fraction)
{
    state->ready = 0;
    const uint32_t spare = cs_spare_filter(state);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < path->taps; i++) {
        sum += (uint32_t)(filter[i] < 0 ? -filter[i] : filter[i]);
    }
    const int32_t down = excess_of(sum), half = (int32_t)((1u << down) >> 1);
    int16_t *next = cs_filter_at_s16(path, state, spare) + path->taps; /* the last tap first: see cs_filter_samples_s16 */
    for (uint32_t i = 0; i < path->taps; i++) {
        *--next = (int16_t)((filter[i] + half) >> down);
    }
    cs_filter_fractions(state)[spare] = (int16_t)(fraction - down);
    cs_filter_give(state);
}
