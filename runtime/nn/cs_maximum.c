/* SPDX-License-Identifier: Apache-2.0 */
#include "broadcast.h"

static inline int32_t combine(const cs_binary *layer, int32_t left, int32_t right)
{
    const int32_t one = cs_scaled(&layer->left, layer->left_shift, left);
    const int32_t other = cs_scaled(&layer->right, layer->left_shift, right);

    return one > other ? one : other;
}

void cs_maximum(const cs_binary *layer, const void *left, const void *right, void *y)
{
    cs_broadcast(layer, left, right, y, combine);
}
