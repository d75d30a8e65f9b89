/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/chain.h"
#include "float_rules.h"

void cs_to_planes(const float *restrict spectrum, uint32_t n_bins, float *restrict planes)
{
    for (uint32_t k = 0; k < n_bins; k++) {
        planes[k] = spectrum[2 * k];
        planes[n_bins + k] = spectrum[2 * k + 1];
    }
}

void cs_from_planes(const float *restrict planes, uint32_t n_bins, float *restrict spectrum)
{
    for (uint32_t k = 0; k < n_bins; k++) {
        spectrum[2 * k] = planes[k];
        spectrum[2 * k + 1] = planes[n_bins + k];
    }
}

void cs_apply_complex_mask(float *restrict spectrum, const float *restrict re, const float *restrict im, uint32_t step,
                           uint32_t n_bins)
{
    for (const float *end = spectrum + 2 * n_bins; spectrum != end; spectrum += 2, re += step, im += step) {
        const float x_re = spectrum[0], x_im = spectrum[1];
        spectrum[0] = x_re * *re - x_im * *im;
        spectrum[1] = x_re * *im + x_im * *re;
    }
}

#include "float_rules_end.h"
