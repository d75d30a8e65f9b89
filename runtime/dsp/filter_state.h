/* SPDX-License-Identifier: Apache-2.0 */
/* What lies where after a cs_filter_state, and when one filter gives way to the next. */
#ifndef CODESIGN_FILTER_STATE_H
#define CODESIGN_FILTER_STATE_H

#include "codesign/filter.h"

_Static_assert(sizeof(cs_filter_state) == 12, "what the memory plan counts with");

enum { CS_FIRST_HOP = 1, CS_RUNNING = 2 };

static inline float *cs_filter_at(const cs_filter_path *path, cs_filter_state *state, uint32_t which)
{
    return (float *)(void *)(state + 1) + which * path->taps;
}

static inline float *cs_filter_past(const cs_filter_path *path, cs_filter_state *state)
{
    return cs_filter_at(path, state, 3);
}

/* Bits after the point of the filters of 16 bits. */
static inline int16_t *cs_filter_fractions(cs_filter_state *state)
{
    return (int16_t *)(void *)(state + 1);
}

static inline int16_t *cs_filter_at_s16(const cs_filter_path *path, cs_filter_state *state, uint32_t which)
{
    return cs_filter_fractions(state) + 4 + which * path->taps;
}

static inline int16_t *cs_filter_past_s16(const cs_filter_path *path, cs_filter_state *state)
{
    return cs_filter_at_s16(path, state, 3);
}

/* The one of the three that is neither in use nor fading out. */
static inline uint8_t cs_spare_filter(const cs_filter_state *state)
{
    const uint8_t old = state->old == state->current ? (uint8_t)((state->current + 1u) % 3u) : state->old;
    return (uint8_t)(3u - old - state->current);
}

/* Where a hop has come to the filter of the hop before. */
static inline void cs_filter_come_in(cs_filter_state *state)
{
    if (state->ready) {
        const uint8_t spare = cs_spare_filter(state);
        state->old = state->current;
        state->current = spare;
        state->faded = 0;
        state->ready = 0;
    } else if (state->started == CS_RUNNING) {
        state->held++;
    }
}

/* How many samples, `n` and four at most, go before something changes. */
static inline uint32_t cs_filter_until_change(const cs_filter_path *path, const cs_filter_state *state, uint32_t n)
{
    const uint32_t position = state->position, to_lag = path->lag - position, to_end = path->fade - state->faded;
    n = position < path->lag && to_lag < n ? to_lag : n;
    n = to_end > 0 && to_end < n ? to_end : n;
    return n < 4 ? n : 4;
}

/* A filter that was written may be used: not before the compiler has stored it. */
static inline void cs_filter_give(cs_filter_state *state)
{
    __atomic_signal_fence(__ATOMIC_RELEASE);
    state->ready = 1;
}

/* `n` samples of a hop by `some`, which takes four at most and fades; 1 where the hop has come to its end. */
typedef void cs_filter_some(const cs_filter_path *path, cs_filter_state *state, uint32_t n, int16_t *out);

__attribute__((always_inline)) static inline int cs_filter_run(const cs_filter_path *path, cs_filter_state *state, int16_t *out,
                                                               uint32_t n, cs_filter_some *some)
{
    while (n > 0) {
        if (state->position == path->lag) {
            cs_filter_come_in(state);
        }
        const uint32_t few = cs_filter_until_change(path, state, n);
        some(path, state, few, out);
        state->position = (uint16_t)(state->position + few);
        out += few;
        n -= few;
    }
    if (state->position < path->hop) {
        return 0;
    }
    state->position = 0;
    state->started = CS_RUNNING;
    return 1;
}

#endif
