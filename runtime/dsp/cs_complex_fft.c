/* SPDX-License-Identifier: Apache-2.0 */
/* Complex FFT of 2^k >= 8 points: Stockham autosort, radix 4, a last stage of radix 2 when k is odd.
 *
 * A stage turns `points / length` interleaved transforms of `length` points into four times as many of a quarter:
 *   y[stride * (4 p + m) + q] = w^(m p) * sum_j (-i)^(j m) * x[stride * (p + j * length / 4) + q],  w = exp(-2 pi i / length)
 * with stride = points / length, p < length / 4, q < stride. Nothing is bit-reversed. */
#include "cs_complex_fft.h"
#include "float_vectors.h"

#include "float_rules.h"

/* The four sums of one butterfly, before twiddles. x: the first of four inputs, `quarter` floats apart. */
typedef struct cs_butterfly {
    float re[4], im[4];
} cs_butterfly;

static inline cs_butterfly radix4(const float *x, uint32_t quarter)
{
    const float *b = x + quarter, *c = b + quarter, *d = c + quarter;
    const float sum02_re = x[0] + c[0], sum02_im = x[1] + c[1];
    const float dif02_re = x[0] - c[0], dif02_im = x[1] - c[1];
    const float sum13_re = b[0] + d[0], sum13_im = b[1] + d[1];
    const float dif13_re = b[0] - d[0], dif13_im = b[1] - d[1];
    return (cs_butterfly){
        {sum02_re + sum13_re, dif02_re + dif13_im, sum02_re - sum13_re, dif02_re - dif13_im},
        {sum02_im + sum13_im, dif02_im - dif13_re, sum02_im - sum13_im, dif02_im + dif13_re},
    };
}

/* p = 0: all twiddles are 1. step: floats between outputs. */
static inline void plain(const float *x, uint32_t quarter, float *y, uint32_t step)
{
    const cs_butterfly u = radix4(x, quarter);
    float *y1 = y + step, *y2 = y1 + step, *y3 = y2 + step;
    y[0] = u.re[0];
    y[1] = u.im[0];
    y1[0] = u.re[1];
    y1[1] = u.im[1];
    y2[0] = u.re[2];
    y2[1] = u.im[2];
    y3[0] = u.re[3];
    y3[1] = u.im[3];
}

static inline void twiddled(const float *x, uint32_t quarter, float *y, uint32_t step, const float *w)
{
    const cs_butterfly u = radix4(x, quarter);
    float *y1 = y + step, *y2 = y1 + step, *y3 = y2 + step;
    y[0] = u.re[0];
    y[1] = u.im[0];
    y1[0] = u.re[1] * w[0] - u.im[1] * w[1];
    y1[1] = u.re[1] * w[1] + u.im[1] * w[0];
    y2[0] = u.re[2] * w[2] - u.im[2] * w[3];
    y2[1] = u.re[2] * w[3] + u.im[2] * w[2];
    y3[0] = u.re[3] * w[4] - u.im[3] * w[5];
    y3[1] = u.re[3] * w[5] + u.im[3] * w[4];
}

/* stride = 1: every butterfly has its own twiddles. Returns the twiddles of the next stage. */
static const float *first_stage(const float *restrict x, float *restrict y, uint32_t points, const float *restrict w)
{
    const uint32_t quarter = points / 2; /* points / 4 pairs */
    const float *end = x + quarter;
    plain(x, quarter, y, 2);
#if CS_FLOAT_VECTORS
    const uint32_t butterflies = points / 4 - 1;
    if (butterflies > 1 && cs_fft_first_vectors(x + 2, y + 8, 4 * quarter, w, butterflies)) {
        return w + 6 * butterflies;
    }
#endif
    for (x += 2, y += 8; x != end; x += 2, y += 8, w += 6) {
        twiddled(x, quarter, y, 2, w);
    }
    return w;
}

/* stride >= 4: the twiddles serve `stride` butterflies, two a turn. */
static const float *next_stage(const float *restrict x, float *restrict y, uint32_t points, uint32_t stride,
                               const float *restrict w)
{
    const uint32_t quarter = points / 2, step = 2 * stride;
    const float *end = x + quarter, *group = x + step;
#if CS_FLOAT_VECTORS
    const uint32_t groups = points / 4 / stride - 1;
    if (cs_fft_next_vectors(x, y, 4 * quarter, 4 * step, w, groups)) {
        return w + 6 * groups;
    }
#endif
    for (; x != group; x += 4, y += 4) {
        plain(x, quarter, y, step);
        plain(x + 2, quarter, y + 2, step);
    }
    while (x != end) {
        const float w0[6] = {w[0], w[1], w[2], w[3], w[4], w[5]};
        w += 6;
        y += 3 * step;
        for (group += step; x != group; x += 4, y += 4) {
            twiddled(x, quarter, y, step, w0);
            twiddled(x + 2, quarter, y + 2, step, w0);
        }
    }
    return w;
}

/* length = 2: sums and differences of the two halves. */
static void last_stage(const float *restrict x, float *restrict y, uint32_t points)
{
    const float *end = x + points;
#if CS_FLOAT_VECTORS
    if (cs_fft_last_vectors(x, y, points)) {
        return;
    }
#endif
    for (; x != end; x += 4, y += 4) {
        const float *b = x + points;
        float *d = y + points;
        y[0] = x[0] + b[0];
        y[1] = x[1] + b[1];
        y[2] = x[2] + b[2];
        y[3] = x[3] + b[3];
        d[0] = x[0] - b[0];
        d[1] = x[1] - b[1];
        d[2] = x[2] - b[2];
        d[3] = x[3] - b[3];
    }
}

float *cs_complex_fft(const cs_fft *fft, float *x, float *y)
{
    const uint32_t points = fft->n / 2u;
    const float *w = first_stage(x, y, points, fft->twiddles);
    for (uint32_t stride = 4; stride < points; stride *= 4) {
        float *done = y;
        y = x;
        x = done;
        if (stride * 2 == points) {
            last_stage(x, y, points);
        } else {
            w = next_stage(x, y, points, stride, w);
        }
    }
    return y;
}

int cs_complex_fft_swaps(const cs_fft *fft)
{
    int swaps = 1;
    for (uint32_t stride = 4; stride < fft->n / 2u; stride *= 4) {
        swaps = !swaps;
    }
    return swaps;
}

#include "float_rules_end.h"
