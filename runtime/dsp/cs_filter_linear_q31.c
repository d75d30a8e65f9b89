/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/filter.h"
#include "fixed_rules.h"
#include "mask_gains_q31.h"

cs_spread_q31 cs_gains_spectrum_q31(const cs_frontend_q31 *front, const void *mask, int32_t *spectrum, int32_t *work)
{
    cs_gain_row row = {work, front->bins.start, front->bins.length, front->bins.weights};
    cs_spread_sums sums = {0, 0};
    cs_dequantize_mask(front, mask, work);
    for (int32_t *end = spectrum + front->size.n_fft + 2; spectrum != end; spectrum += 2) {
        spectrum[0] = cs_next_gain(&row) >> 3;
        spectrum[1] = 0;
        cs_spread_add(&sums, spectrum);
    }
    return cs_spread_of(front, sums);
}

void cs_filter_linear_q31(uint32_t taps, const int32_t *taper, const int32_t *restrict response, int32_t *restrict filter)
{
    const int32_t half = (int32_t)taps / 2;
    int32_t *middle = filter + half;
    filter[0] = 0;
    middle[0] = cs_multiply_high(response[0], taper[0]);
    for (int32_t i = 1; i < half; i++) {
        middle[i] = middle[-i] = cs_multiply_high(response[i], taper[i]);
    }
}
