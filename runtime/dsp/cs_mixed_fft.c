/* SPDX-License-Identifier: Apache-2.0 */
/* Complex FFT of 2^a 3^b 5^c points: Stockham autosort, stages of radix 4, 2, 3 and 5.
 *
 * A stage of radix r turns `stride` interleaved transforms of r * part points into r times as many of `part`:
 *   y[stride * (r p + m) + q] = w^(m p) * sum_j exp(-2 pi i j m / r) * x[stride * (p + j part) + q]
 * with w = exp(-2 pi i / (r part)), p < part, q < stride. For p = 0 nothing is multiplied by w. */
#include "cs_mixed_fft.h"

#include "float_rules.h"

#define SIN_60 0x1.bb67aep-1f
#define COS_72 0x1.3c6ef4p-2f
#define COS_144 -0x1.9e377ap-1f
#define SIN_72 0x1.e6f0e2p-1f
#define SIN_144 0x1.2cf230p-1f

typedef struct complex_value {
    float re, im;
} complex_value;

static inline complex_value at(const float *x)
{
    return (complex_value){x[0], x[1]};
}

static inline complex_value plus(complex_value a, complex_value b)
{
    return (complex_value){a.re + b.re, a.im + b.im};
}

static inline complex_value minus(complex_value a, complex_value b)
{
    return (complex_value){a.re - b.re, a.im - b.im};
}

static inline complex_value by(float factor, complex_value a)
{
    return (complex_value){factor * a.re, factor * a.im};
}

/* a - i b */
static inline complex_value minus_i(complex_value a, complex_value b)
{
    return (complex_value){a.re + b.im, a.im - b.re};
}

/* a + i b */
static inline complex_value plus_i(complex_value a, complex_value b)
{
    return (complex_value){a.re - b.im, a.im + b.re};
}

/* The sums of one butterfly, before twiddles. x: the first of `radix` inputs, `gap` floats apart. */
static inline __attribute__((always_inline)) void butterfly(uint32_t radix, const float *x, uint32_t gap, complex_value *y)
{
    const complex_value a = at(x), b = at(x + gap);
    if (radix == 2) {
        y[0] = plus(a, b);
        y[1] = minus(a, b);
        return;
    }
    const complex_value c = at(x + 2 * gap);
    if (radix == 3) {
        const complex_value sum = plus(b, c), turned = by(SIN_60, minus(b, c));
        const complex_value middle = minus(a, by(0.5f, sum));
        y[0] = plus(a, sum);
        y[1] = minus_i(middle, turned);
        y[2] = plus_i(middle, turned);
        return;
    }
    const complex_value d = at(x + 3 * gap);
    if (radix == 4) {
        const complex_value ac = plus(a, c), bd = plus(b, d), a_c = minus(a, c), b_d = minus(b, d);
        y[0] = plus(ac, bd);
        y[1] = minus_i(a_c, b_d);
        y[2] = minus(ac, bd);
        y[3] = plus_i(a_c, b_d);
        return;
    }
    const complex_value e = at(x + 4 * gap);
    const complex_value outer = plus(b, e), inner = plus(c, d), d_outer = minus(b, e), d_inner = minus(c, d);
    const complex_value first = plus(plus(a, by(COS_72, outer)), by(COS_144, inner));
    const complex_value second = plus(plus(a, by(COS_144, outer)), by(COS_72, inner));
    const complex_value turned_first = plus(by(SIN_72, d_outer), by(SIN_144, d_inner));
    const complex_value turned_second = minus(by(SIN_144, d_outer), by(SIN_72, d_inner));
    y[0] = plus(a, plus(outer, inner));
    y[1] = minus_i(first, turned_first);
    y[2] = minus_i(second, turned_second);
    y[3] = plus_i(second, turned_second);
    y[4] = plus_i(first, turned_first);
}

/* Returns the twiddles of the next stage. */
static inline __attribute__((always_inline)) const float *stage(uint32_t radix, const float *restrict x, float *restrict y,
                                                                uint32_t points, uint32_t stride, const float *restrict w)
{
    const uint32_t gap = 2 * points / radix, step = 2 * stride;
    const float *end = x + gap, *group = x + step;
    complex_value u[5];
    for (; x != group; x += 2, y += 2) {
        butterfly(radix, x, gap, u);
        for (uint32_t m = 0; m < radix; m++) {
            y[m * step] = u[m].re;
            y[m * step + 1] = u[m].im;
        }
    }
    while (x != end) {
        y += (radix - 1) * step;
        for (group += step; x != group; x += 2, y += 2) {
            butterfly(radix, x, gap, u);
            y[0] = u[0].re;
            y[1] = u[0].im;
            for (uint32_t m = 1; m < radix; m++) {
                const float re = w[2 * m - 2], im = w[2 * m - 1];
                y[m * step] = u[m].re * re - u[m].im * im;
                y[m * step + 1] = u[m].re * im + u[m].im * re;
            }
        }
        w += 2 * (radix - 1);
    }
    return w;
}

float *cs_mixed_complex_fft(const cs_mixed_fft *fft, float *x, float *y)
{
    const uint32_t points = fft->fft.n / 2u;
    const float *w = fft->fft.twiddles;
    for (uint32_t i = 0, stride = 1; i < fft->stages; i++) {
        const uint32_t radix = fft->radices[i];
        w = radix == 4   ? stage(4, x, y, points, stride, w)
            : radix == 2 ? stage(2, x, y, points, stride, w)
            : radix == 3 ? stage(3, x, y, points, stride, w)
                         : stage(5, x, y, points, stride, w);
        stride *= radix;
        float *done = y;
        y = x;
        x = done;
    }
    return x;
}

#include "float_rules_end.h"
