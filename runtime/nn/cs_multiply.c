/* SPDX-License-Identifier: Apache-2.0 */
#include "broadcast.h"

static inline int32_t combine(const cs_binary *layer, int32_t left, int32_t right)
{
    (void)layer;
    return left * right;
}

#if defined(__ARM_FEATURE_MVE)

typedef struct cs_product_constants {
    int32_t multiplier, shift, zero_point, low, high;
} cs_product_constants;

/* Assembly: `n` neighbours of int16 without zero points, the shift to the right. */
void cs_product_run(const cs_product_constants *constants, const int16_t *a, const int16_t *b, int16_t *y, uint32_t n);

/* Whether it computes the layer. */
static inline int has_product_runs(const cs_binary *layer)
{
    const int wide = layer->left.wide && layer->right.wide && layer->wide && layer->shift < 0;
    const int symmetric = layer->left.zero_point == 0 && layer->right.zero_point == 0;

    return wide && symmetric && layer->left.stride[3] == 1 && layer->right.stride[3] == 1;
}

static void product_runs(const cs_binary *layer, const int16_t *left, const int16_t *right, int16_t *y)
{
    const cs_product_constants constants = {layer->multiplier, layer->shift, layer->zero_point, layer->low, layer->high};
    const uint32_t *shape = layer->shape, *a = layer->left.stride, *b = layer->right.stride;

    for (uint32_t i = 0; i < shape[0]; i++) {
        for (uint32_t j = 0; j < shape[1]; j++) {
            for (uint32_t k = 0; k < shape[2]; k++, y += shape[3]) {
                cs_product_run(&constants, left + i * a[0] + j * a[1] + k * a[2], right + i * b[0] + j * b[1] + k * b[2], y,
                               shape[3]);
            }
        }
    }
}

#endif

void cs_multiply(const cs_binary *layer, const void *left, const void *right, void *y)
{
#if defined(__ARM_FEATURE_MVE)
    if (has_product_runs(layer)) {
        product_runs(layer, left, right, y);
        return;
    }
#endif
    cs_broadcast(layer, left, right, y, combine);
}
