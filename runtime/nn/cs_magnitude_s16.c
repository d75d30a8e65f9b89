/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/nn_elements.h"
#include "reciprocal_root.h"

#if defined(__ARM_FEATURE_MVE)

/* Assembly: cs_magnitude_run_mve.S. */
void cs_magnitude_run(const int32_t *constants, const int16_t *re, const int16_t *im, int16_t *y, uint32_t n);

void cs_magnitude_s16(int32_t multiplier, int32_t shift, const int16_t *re, const int16_t *im, int16_t *y, uint32_t n)
{
    const int32_t constants[2] = {multiplier, shift - 11};

    if (n > 0) {
        cs_magnitude_run(constants, re, im, y, n);
    }
}

#else

static inline uint32_t square_of(int32_t re, int32_t im)
{
    return (uint32_t)(re * re) + (uint32_t)(im * im);
}

/* Root of a sum whose reciprocal root `y` is, of sum << zeros in Q32, zeros being even. */
static inline int16_t magnitude(int32_t w, int32_t y, uint32_t zeros, int32_t multiplier, int32_t shift)
{
    const int32_t root = cs_multiply_high(w, y); /* Q28 */
    const int32_t scaled = cs_multiply_by_quantized_multiplier_31(root, multiplier, shift - 12 - (int32_t)(zeros / 2));

    return (int16_t)cs_clamp(scaled, 0, 32767);
}

void cs_magnitude_s16(int32_t multiplier, int32_t shift, const int16_t *re, const int16_t *im, int16_t *y, uint32_t n)
{
    uint32_t i = 0;

    while (i < n) {
        const uint32_t sum = square_of(re[i], im[i]), next = i + 1 < n ? square_of(re[i + 1], im[i + 1]) : 0;
        const uint32_t zeros = cs_leading_zeros(sum) & ~1u;

        if (sum == 0) {
            y[i++] = 0;
            continue;
        }
        const int32_t w = (int32_t)((sum << zeros) >> 1);

        if (next == 0) {
            y[i++] = magnitude(w, cs_reciprocal_root(w), zeros, multiplier, shift);
            continue;
        }
        const uint32_t next_zeros = cs_leading_zeros(next) & ~1u;
        const int32_t next_w = (int32_t)((next << next_zeros) >> 1);
        int32_t root, next_root;

        cs_reciprocal_roots(w, next_w, &root, &next_root); /* two at a time: one is computed while the other is on its way */
        y[i] = magnitude(w, root, zeros, multiplier, shift);
        y[i + 1] = magnitude(next_w, next_root, next_zeros, multiplier, shift);
        i += 2;
    }
}

#endif
