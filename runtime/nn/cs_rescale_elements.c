/* SPDX-License-Identifier: Apache-2.0 */
#include "broadcast.h"

void cs_rescale_elements(const cs_rescale *layer, const void *x, void *y, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const int32_t value = cs_element(x, i, layer->wide_in) - layer->zero_point_in;
        const int32_t scaled = cs_multiply_twice_rounded(value, layer->multiplier, layer->shift);

        cs_store_element(y, i, layer->wide, cs_clamp(scaled + layer->zero_point, layer->low, layer->high));
    }
}
