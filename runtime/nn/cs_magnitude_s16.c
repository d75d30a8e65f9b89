/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/nn_elements.h"
#include "reciprocal_root.h"

#if defined(__ARM_FEATURE_MVE)

/* Assembly: cs_curves_mve.S. */
void cs_magnitude_run(const int32_t *constants, const int16_t *re, const int16_t *im, int16_t *y, uint32_t n);

#endif

void cs_magnitude_s16(int32_t multiplier, int32_t shift, const int16_t *re, const int16_t *im, int16_t *y, uint32_t n)
{
#if defined(__ARM_FEATURE_MVE)
    const int32_t constants[2] = {multiplier, shift - 11};

    if (n > 0) {
        cs_magnitude_run(constants, re, im, y, n);
    }
#else
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
#endif
}
