/* SPDX-License-Identifier: Apache-2.0 */
#include "fully_connected_wide.h"

void cs_fully_connected_wide_s16(const cs_fully_connected *layer, const int16_t *x, int16_t *y, void *scratch)
{
    cs_fully_connected_wide_core(layer, x, y, 1, scratch);
}
