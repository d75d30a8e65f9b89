/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/chain.h"
#include "float_rules.h"
#include "square_root.h"

static float smoothed(const cs_running *running, float old, float level)
{
    return running->keep * old + running->take * level;
}

static float root(const cs_running *running, float square)
{
    return cs_square_root(square < running->floor ? running->floor : square);
}

void cs_running_mean(const cs_running *running, const float *x, uint32_t n, float *mean, float *y)
{
    const uint32_t step = running->scale == 0.0f ? 1 : 0;
    if (step == 0) {
        float sum = 0.0f;
        for (uint32_t i = 0; i < n; i++) {
            sum += x[i];
        }
        *mean = smoothed(running, *mean, sum * running->scale);
    }
    for (const float *end = x + n; x != end; mean += step) {
        if (step != 0) {
            *mean = smoothed(running, *mean, *x);
        }
        *y++ = *x++ - *mean;
    }
}

void cs_running_deviation(const cs_running *running, float *x, uint32_t n, float *square)
{
    const uint32_t step = running->scale == 0.0f ? 1 : 0;
    float divisor = 1.0f;
    if (step == 0) {
        float sum = 0.0f;
        for (uint32_t i = 0; i < n; i++) {
            sum += x[i] * x[i];
        }
        *square = smoothed(running, *square, sum * running->scale);
        divisor = root(running, *square);
    }
    for (const float *end = x + n; x != end; x++, square += step) {
        if (step != 0) {
            *square = smoothed(running, *square, *x * *x);
            divisor = root(running, *square);
        }
        *x = *x / divisor;
    }
}

static float magnitude(float re, float im)
{
    return cs_square_root(re * re + im * im);
}

void cs_running_unit(const cs_running *running, const float *re, const float *im, uint32_t step, uint32_t n_bins, float *size,
                     float *y_re, float *y_im)
{
    const uint32_t next = running->scale == 0.0f ? 1 : 0;
    float divisor = 1.0f;
    if (next == 0) {
        float sum = 0.0f;
        for (uint32_t k = 0; k < n_bins; k++) {
            sum += magnitude(re[k * step], im[k * step]);
        }
        *size = smoothed(running, *size, sum * running->scale);
        divisor = root(running, *size);
    }
    for (uint32_t k = 0; k < n_bins * step; k += step, size += next) {
        const float x_re = re[k], x_im = im[k];
        if (next != 0) {
            *size = smoothed(running, *size, magnitude(x_re, x_im));
            divisor = root(running, *size);
        }
        y_re[k] = x_re / divisor;
        y_im[k] = x_im / divisor;
    }
}

#include "float_rules_end.h"
