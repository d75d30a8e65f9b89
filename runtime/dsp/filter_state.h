/* SPDX-License-Identifier: Apache-2.0 */
/* What lies where after a cs_filter_state. */
#ifndef CODESIGN_FILTER_STATE_H
#define CODESIGN_FILTER_STATE_H

#include "codesign/filter.h"

_Static_assert(sizeof(cs_filter_state) == 12, "what the memory plan counts with");

static inline float *cs_filter_at(const cs_filter_path *path, cs_filter_state *state, uint32_t which)
{
    return (float *)(void *)(state + 1) + which * path->taps;
}

static inline float *cs_filter_past(const cs_filter_path *path, cs_filter_state *state)
{
    return cs_filter_at(path, state, 3);
}

/* The one of the three that is neither in use nor fading out. */
static inline uint8_t cs_spare_filter(const cs_filter_state *state)
{
    const uint8_t old = state->old == state->current ? (uint8_t)((state->current + 1u) % 3u) : state->old;
    return (uint8_t)(3u - old - state->current);
}

#endif
