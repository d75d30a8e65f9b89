/* SPDX-License-Identifier: Apache-2.0 */
#include "fully_connected_wide.h"

void cs_fully_connected_wide_s8(const cs_fully_connected *layer, const int16_t *x, int8_t *y, void *scratch)
{
    cs_fully_connected_wide_core(layer, x, y, 0, scratch);
}
