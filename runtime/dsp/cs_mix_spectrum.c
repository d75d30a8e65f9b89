/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/compression.h"
#include "codesign/output.h"
#include "float_rules.h"

float cs_mix_share(const cs_mix *mix, cs_mix_state *state)
{
    const int32_t step = mix->step, missing = state->target - state->share;
    state->share = (uint16_t)(state->share + (missing > step ? step : missing < -step ? -step : missing));
    return (float)state->share * 0x1p-15f;
}

void cs_mix_gains(float *gains, uint32_t n_bins, float share)
{
    for (const float *end = gains + n_bins; gains != end; gains++) {
        *gains += (1.0f - *gains) * share;
    }
}

void cs_mix_mask(float *re, float *im, uint32_t step, uint32_t n_bins, float share)
{
    for (const float *end = re + step * n_bins; re != end; re += step, im += step) {
        *re += (1.0f - *re) * share;
        *im -= *im * share;
    }
}

void cs_mix_spectrum(float *restrict spectrum, const float *restrict re, const float *restrict im, uint32_t step, uint32_t n_bins,
                     float share)
{
    for (const float *end = spectrum + 2 * n_bins; spectrum != end; spectrum += 2, re += step, im += step) {
        spectrum[0] = *re + (spectrum[0] - *re) * share;
        spectrum[1] = *im + (spectrum[1] - *im) * share;
    }
}

#include "float_rules_end.h"
