/* SPDX-License-Identifier: Apache-2.0 */
#include "depthwise.h"

void cs_depthwise_s8(const cs_conv *layer, const int8_t *x, int8_t *y, void *scratch)
{
    cs_depthwise_core(layer, x, y, 0, scratch);
}
