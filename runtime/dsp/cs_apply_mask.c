/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/dsp.h"
#include "float_rules.h"

static void dequantize(const cs_frontend *front, const void *mask, float *restrict gains)
{
    const int16_t *wide = mask;
    const int8_t *narrow = mask;
    const int32_t zero_point = front->mask_zero_point;
    const float scale = front->mask_scale;
    if (front->mask_is_int16) {
        for (uint32_t i = 0; i < front->size.n_mels; i++) {
            gains[i] = (float)(wide[i] - zero_point) * scale;
        }
    } else {
        for (uint32_t i = 0; i < front->size.n_mels; i++) {
            gains[i] = (float)(narrow[i] - zero_point) * scale;
        }
    }
}

__attribute__((noinline)) void cs_apply_mask(const cs_frontend *front, const void *mask, float *spectrum, float *work)
{
    const uint32_t n_bins = front->size.n_fft / 2u + 1;
    float *band_gains = work + n_bins;
    dequantize(front, mask, band_gains);
    cs_banded_multiply(&front->bins, band_gains, work);
    for (const float *gain = work, *end = work + n_bins; gain != end; gain++, spectrum += 2) {
        spectrum[0] *= *gain;
        spectrum[1] *= *gain;
    }
}

#include "float_rules_end.h"
