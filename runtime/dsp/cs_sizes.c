/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/chain.h"
#include "float_rules.h"
#include "square_root.h"

void cs_powers(const float *restrict spectrum, uint32_t n_bins, float *restrict y)
{
    for (const float *end = y + n_bins; y != end; y++, spectrum += 2) {
        *y = spectrum[0] * spectrum[0] + spectrum[1] * spectrum[1];
    }
}

void cs_magnitudes(const float *restrict spectrum, uint32_t n_bins, float *restrict y)
{
    for (const float *end = y + n_bins; y != end; y++, spectrum += 2) {
        *y = cs_square_root(spectrum[0] * spectrum[0] + spectrum[1] * spectrum[1]);
    }
}

#include "float_rules_end.h"
