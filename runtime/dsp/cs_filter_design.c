/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/filter.h"
#include "filter_state.h"
#include "float_rules.h"

void cs_gains_spectrum(const float *restrict gains, uint32_t n_bins, float *restrict spectrum)
{
    for (const float *end = gains + n_bins; gains != end; spectrum += 2) {
        spectrum[0] = *gains++;
        spectrum[1] = 0.0f;
    }
}

void cs_filter_design(const cs_filter_path *path, cs_filter_state *state, const float *restrict response)
{
    state->ready = 0; /* one that nobody used is written over */
    float *middle = cs_filter_at(path, state, cs_spare_filter(state)) + path->taps / 2;
    middle[0] = response[0] * path->taper[0];
    for (int32_t i = 1; i < path->taps / 2; i++) {
        middle[i] = middle[-i] = response[i] * path->taper[i];
    }
    state->ready = 1;
}

#include "float_rules_end.h"
