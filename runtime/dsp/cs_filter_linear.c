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

void cs_filter_linear(uint32_t taps, uint32_t delay, const float *early, const float *late, const float *restrict response,
                      float *restrict filter)
{
    float *middle = filter + delay;
    filter[0] = 0.0f;
    for (int32_t i = 1; i < (int32_t)delay; i++) {
        middle[-i] = response[i] * early[i];
    }
    for (uint32_t i = 0; i < taps - delay; i++) {
        middle[i] = response[i] * late[i];
    }
}

#include "float_rules_end.h"
