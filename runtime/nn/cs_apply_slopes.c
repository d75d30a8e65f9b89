/* SPDX-License-Identifier: Apache-2.0 */
#include "broadcast.h"

void cs_apply_slopes(const cs_slopes *layer, const void *x, void *y, uint32_t n)
{
    const cs_rescale *above = &layer->above;

    for (uint32_t i = 0, channel = 0; i < n; channel = channel + 1 < layer->channels ? channel + 1 : 0) {
        const int32_t slope = layer->slopes[channel];

        for (const uint32_t end = i + layer->inner; i < end; i++) {
            const int32_t value = cs_element(x, i, above->wide_in) - above->zero_point_in;
            const int32_t scaled =
                value >= 0 ? cs_multiply_twice_rounded(value, above->multiplier, above->shift)
                           : cs_multiply_twice_rounded(value * slope, layer->multiplier, layer->shift);

            cs_store_element(y, i, above->wide, cs_clamp(scaled + above->zero_point, above->low, above->high));
        }
    }
}
