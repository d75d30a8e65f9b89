/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/chain.h"
#include "float_rules.h"

void cs_limit_gains(float *gains, uint32_t n, float low, float high)
{
    for (uint32_t i = 0; i < n; i++) {
        gains[i] = gains[i] < low ? low : gains[i];
        gains[i] = gains[i] > high ? high : gains[i];
    }
}

void cs_apply_gains(float *restrict spectrum, const float *restrict gains, uint32_t n_bins)
{
    for (const float *end = gains + n_bins; gains != end; gains++, spectrum += 2) {
        spectrum[0] *= *gains;
        spectrum[1] *= *gains;
    }
}

#include "float_rules_end.h"
