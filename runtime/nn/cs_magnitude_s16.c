/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/nn_elements.h"
#include "reciprocal_root.h"

void cs_magnitude_s16(int32_t multiplier, int32_t shift, const int16_t *re, const int16_t *im, int16_t *y, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t sum = (uint32_t)(re[i] * re[i]) + (uint32_t)(im[i] * im[i]);
        if (sum == 0) {
            y[i] = 0;
            continue;
        }
        const uint32_t zeros = cs_leading_zeros(sum) & ~1u;
        const int32_t w = (int32_t)((sum << zeros) >> 1);
        const int32_t root = cs_multiply_high(w, cs_reciprocal_root(w)); /* Q28 */
        const int32_t scaled = cs_multiply_by_quantized_multiplier_31(root, multiplier, shift - 12 - (int32_t)(zeros / 2));

        y[i] = (int16_t)cs_clamp(scaled, 0, 32767);
    }
}
