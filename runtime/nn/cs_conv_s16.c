/* SPDX-License-Identifier: Apache-2.0 */
#include "conv.h"

void cs_conv_s16(const cs_conv *layer, const int16_t *x, int16_t *y, void *scratch)
{
    cs_conv_core(layer, x, y, 1, scratch);
}
