/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/output.h"

static uint32_t part_of(uint32_t difference, uint32_t coefficient)
{
    return (uint32_t)(((uint64_t)difference * coefficient) >> 32);
}

/* The integer part of the root of x <= 2^30, bit by bit. */
static uint32_t root_of(uint32_t x)
{
    uint32_t root = 0;
    for (uint32_t bit = 1u << 30; bit != 0; bit >>= 2) {
        const uint32_t trial = root + bit;
        root >>= 1;
        if (x >= trial) {
            x -= trial;
            root += bit;
        }
    }
    return root;
}

void cs_limit_rms(const cs_limiter *limiter, cs_rms_state *state, int16_t *y, uint32_t n)
{
    const uint32_t level = limiter->level, limit = 2 * level * level;
    uint32_t mean = state->mean, held = state->held;
    for (uint32_t i = 0; i < n; i++) {
        const int32_t x = y[i];
        const uint32_t size = 2 * (uint32_t)(x * x);
        mean = size > mean ? mean + part_of(size - mean, limiter->attack) : mean - part_of(mean - size, limiter->attack);
        held -= part_of(held, limiter->release);
        held = mean > held ? mean : held;
        if (held > limit) {
            const int32_t gain = (int32_t)((level << 15) / (root_of(held >> 1) + 1));
            y[i] = (int16_t)((x * gain + (1 << 14)) >> 15);
        }
    }
    *state = (cs_rms_state){mean, held};
}

int cs_move_level(uint16_t *level, cs_limiter *limiter)
{
    const int32_t target = limiter->level, step = limiter->step, missing = target - *level;
    const int32_t now = *level + (missing > step ? step : missing < -step ? -step : missing);
    *level = limiter->level = (uint16_t)now;
    return now != target;
}
