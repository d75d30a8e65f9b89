/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/chain.h"
#include "float_rules.h"

__attribute__((noinline)) void cs_apply_mask(const cs_frontend *front, const void *mask, float *spectrum, float *work)
{
    const uint32_t n_bins = front->size.n_fft / 2u + 1, n_mels = front->size.n_mels;
    float *band_gains = work + n_bins;
    if (front->mask_is_int16) {
        cs_dequantize_s16(mask, n_mels, front->mask_scale, front->mask_zero_point, band_gains);
    } else {
        cs_dequantize_s8(mask, n_mels, front->mask_scale, front->mask_zero_point, band_gains);
    }
    cs_banded_multiply(&front->bins, band_gains, work);
    cs_apply_gains(spectrum, work, n_bins);
}

#include "float_rules_end.h"
