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

void cs_filter_linear_q31(uint32_t taps, uint32_t delay, const int32_t *early, const int32_t *late,
                          const int32_t *restrict response, int32_t *restrict filter)
{
    int32_t *middle = filter + delay;
    filter[0] = 0;
    for (int32_t i = 1; i < (int32_t)delay; i++) {
        middle[-i] = cs_multiply_high(response[i], early[i]);
    }
    for (uint32_t i = 0; i < taps - delay; i++) {
        middle[i] = cs_multiply_high(response[i], late[i]);
    }
}
