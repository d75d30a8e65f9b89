/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/filter.h"
#include "float_rules.h"

void cs_gains_spectrum(const float *restrict gains, uint32_t n_bins, float *restrict spectrum)
{
    for (const float *end = gains + n_bins; gains != end; spectrum += 2) {
        spectrum[0] = *gains++;
        spectrum[1] = 0.0f;
    }
}

void cs_filter_linear(uint32_t taps, const float *taper, const float *restrict response, float *restrict filter)
{
    const int32_t half = (int32_t)taps / 2;
    float *middle = filter + half;
    filter[0] = 0.0f;
    middle[0] = response[0] * taper[0];
    for (int32_t i = 1; i < half; i++) {
        middle[i] = middle[-i] = response[i] * taper[i];
    }
}

#include "float_rules_end.h"
