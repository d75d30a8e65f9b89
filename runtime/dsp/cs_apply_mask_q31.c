/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/dsp_q31.h"
#include "fixed_rules.h"
#include "mask_gains_q31.h"

__attribute__((noinline)) cs_spread_q31 cs_apply_mask_q31(const cs_frontend_q31 *front, const void *mask,
                                                          int32_t *spectrum, int32_t *work)
{
    cs_gain_row row = {work, front->bins.start, front->bins.length, front->bins.weights};
    cs_spread_sums sums = {0, 0};
    cs_dequantize_mask(front, mask, work);
    for (int32_t *end = spectrum + front->size.n_fft + 2; spectrum != end; spectrum += 2) {
        const int32_t gain = cs_next_gain(&row);
        spectrum[0] = cs_multiply_high(spectrum[0], gain);
        spectrum[1] = cs_multiply_high(spectrum[1], gain);
        cs_spread_add(&sums, spectrum);
    }
    return cs_spread_of(front, sums);
}
