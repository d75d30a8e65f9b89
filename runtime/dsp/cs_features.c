/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/dsp.h"
#include "cs_power.h"
#include "float_rules.h"
#include "square_root.h"

static void powers(const float *restrict spectrum, uint32_t n_bins, float *restrict y)
{
    for (const float *end = y + n_bins; y != end; y++, spectrum += 2) {
        *y = spectrum[0] * spectrum[0] + spectrum[1] * spectrum[1];
    }
}

static void magnitudes(const float *restrict spectrum, uint32_t n_bins, float *restrict y)
{
    for (const float *end = y + n_bins; y != end; y++, spectrum += 2) {
        *y = cs_square_root(spectrum[0] * spectrum[0] + spectrum[1] * spectrum[1]);
    }
}

/* ONNX QuantizeLinear, but for -128. What the inner clamp cuts saturates with every zero point. */
static void quantize(const float *restrict x, uint32_t n, float scale, int32_t zero_point, int8_t *restrict q)
{
    for (uint32_t i = 0; i < n; i++) {
        const int32_t steps = cs_limit(cs_round(x[i] / scale), -512, 512);
        q[i] = (int8_t)cs_limit(steps + zero_point, -127, 127);
    }
}

__attribute__((noinline)) void cs_features(const cs_frontend *front, const float *spectrum, float *work,
                                           int8_t *features)
{
    const uint32_t n_bins = front->size.n_fft / 2u + 1, n_mels = front->size.n_mels;
    float *bands = work + n_bins;
    if (front->power) {
        powers(spectrum, n_bins, work);
    } else {
        magnitudes(spectrum, n_bins, work);
    }
    cs_banded_multiply(&front->mel, work, bands);
    cs_power(bands, n_mels, front->exponent);
    quantize(bands, n_mels, front->feature_scale, front->feature_zero_point, features);
}

#include "float_rules_end.h"
