/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/chain.h"
#include "float_rules.h"


__attribute__((noinline)) void cs_features(const cs_frontend *front, const float *spectrum, float *work,
                                           int8_t *features)
{
    const uint32_t n_bins = front->size.n_fft / 2u + 1, n_mels = front->size.n_mels;
    float *bands = work + n_bins;
    if (front->power) {
        cs_powers(spectrum, n_bins, work);
    } else {
        cs_magnitudes(spectrum, n_bins, work);
    }
    cs_banded_multiply(&front->mel, work, bands);
    cs_power(bands, n_mels, front->exponent);
    cs_quantize_s8(bands, n_mels, front->feature_scale, front->feature_zero_point, features);
}

#include "float_rules_end.h"
