/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/output.h"

static uint32_t part_of(uint32_t difference, uint32_t coefficient)
{
    return (uint32_t)(((uint64_t)difference * coefficient) >> 32);
}

void cs_limit_output(const cs_limiter *limiter, uint32_t *envelope, int16_t *y, uint32_t n)
{
    const int32_t level = limiter->level;
    uint32_t follows = *envelope;
    for (uint32_t i = 0; i < n; i++) {
        int32_t x = y[i];
        const uint32_t size = (uint32_t)(x < 0 ? -x : x) << 15;
        follows = size > follows ? follows + part_of(size - follows, limiter->attack)
                                 : follows - part_of(follows - size, limiter->release);
        const uint32_t peak = (follows >> 15) + 1;
        if (peak > (uint32_t)level) {
            const int32_t gain = (int32_t)(((uint32_t)level << 15) / peak);
            x = (x * gain + (1 << 14)) >> 15;
        }
        x = x > level ? level : x;
        y[i] = (int16_t)(x < -level ? -level : x);
    }
    *envelope = follows;
}
