/* SPDX-License-Identifier: Apache-2.0 */
/* Complex FFT of 2^k >= 8 points in fixed point: Stockham autosort, radix 4, a last stage of radix 2 when k is odd.
 * Each stage divides by its radix: no magnitude grows, and the high word of a product with a Q30 twiddle is a quarter of it.
 * Where few values are large, a stage first shifts all of them up, so that few bits are lost.
 *
 * A stage turns `points / length` interleaved transforms of `length` points into four times as many of a quarter:
 *   y[stride * (4 p + m) + q] = w^(m p) * sum_j (-i)^(j m) * x[stride * (p + j * length / 4) + q],  w = exp(-2 pi i / length)
 * with stride = points / length, p < length / 4, q < stride. Nothing is bit-reversed. */
#include "cs_complex_fft_q31.h"

#include "fixed_rules.h"

/* The four sums of one butterfly, before twiddles. x: the first of four inputs, `quarter` words apart, to be shifted up. */
typedef struct cs_butterfly {
    int32_t re[4], im[4];
} cs_butterfly;

static inline cs_butterfly radix4(const int32_t *x, uint32_t quarter, int32_t up)
{
    const int32_t *b = x + quarter, *c = b + quarter, *d = c + quarter;
    const int32_t a_re = cs_shift_up(x[0], up), a_im = cs_shift_up(x[1], up);
    const int32_t b_re = cs_shift_up(b[0], up), b_im = cs_shift_up(b[1], up);
    const int32_t c_re = cs_shift_up(c[0], up), c_im = cs_shift_up(c[1], up);
    const int32_t d_re = cs_shift_up(d[0], up), d_im = cs_shift_up(d[1], up);
    const int32_t sum02_re = a_re + c_re, sum02_im = a_im + c_im;
    const int32_t dif02_re = a_re - c_re, dif02_im = a_im - c_im;
    const int32_t sum13_re = b_re + d_re, sum13_im = b_im + d_im;
    const int32_t dif13_re = b_re - d_re, dif13_im = b_im - d_im;
    return (cs_butterfly){
        {sum02_re + sum13_re, dif02_re + dif13_im, sum02_re - sum13_re, dif02_re - dif13_im},
        {sum02_im + sum13_im, dif02_im - dif13_re, sum02_im - sum13_im, dif02_im + dif13_re},
    };
}

/* p = 0: all twiddles are 1. step: words between outputs. */
static inline void plain(const int32_t *x, uint32_t quarter, int32_t up, int32_t *y, uint32_t step)
{
    const cs_butterfly u = radix4(x, quarter, up);
    int32_t *y1 = y + step, *y2 = y1 + step, *y3 = y2 + step;
    y[0] = u.re[0] >> 2;
    y[1] = u.im[0] >> 2;
    y1[0] = u.re[1] >> 2;
    y1[1] = u.im[1] >> 2;
    y2[0] = u.re[2] >> 2;
    y2[1] = u.im[2] >> 2;
    y3[0] = u.re[3] >> 2;
    y3[1] = u.im[3] >> 2;
}

static inline void twiddled(const int32_t *x, uint32_t quarter, int32_t up, int32_t *y, uint32_t step, const int32_t *w)
{
    const cs_butterfly u = radix4(x, quarter, up);
    int32_t *y1 = y + step, *y2 = y1 + step, *y3 = y2 + step;
    y[0] = u.re[0] >> 2;
    y[1] = u.im[0] >> 2;
    y1[0] = cs_multiply_high(u.re[1], w[0]) - cs_multiply_high(u.im[1], w[1]);
    y1[1] = cs_multiply_high(u.re[1], w[1]) + cs_multiply_high(u.im[1], w[0]);
    y2[0] = cs_multiply_high(u.re[2], w[2]) - cs_multiply_high(u.im[2], w[3]);
    y2[1] = cs_multiply_high(u.re[2], w[3]) + cs_multiply_high(u.im[2], w[2]);
    y3[0] = cs_multiply_high(u.re[3], w[4]) - cs_multiply_high(u.im[3], w[5]);
    y3[1] = cs_multiply_high(u.re[3], w[5]) + cs_multiply_high(u.im[3], w[4]);
}

/* stride = 1: every butterfly has its own twiddles. Returns the twiddles of the next stage. */
static const int32_t *first_stage(const int32_t *restrict x, int32_t up, int32_t *restrict y, uint32_t points,
                                  const int32_t *restrict w)
{
    const uint32_t quarter = points / 2; /* points / 4 pairs */
    const int32_t *end = x + quarter;
    plain(x, quarter, up, y, 2);
    for (x += 2, y += 8; x != end; x += 2, y += 8, w += 6) {
        twiddled(x, quarter, up, y, 2, w);
    }
    return w;
}

/* stride >= 4: the twiddles serve `stride` butterflies, two a turn. */
static const int32_t *next_stage(const int32_t *restrict x, int32_t up, int32_t *restrict y, uint32_t points,
                                 uint32_t stride, const int32_t *restrict w)
{
    const uint32_t quarter = points / 2, step = 2 * stride;
    const int32_t *end = x + quarter, *group = x + step;
    for (; x != group; x += 4, y += 4) {
        plain(x, quarter, up, y, step);
        plain(x + 2, quarter, up, y + 2, step);
    }
    while (x != end) {
        const int32_t w0[6] = {w[0], w[1], w[2], w[3], w[4], w[5]};
        w += 6;
        y += 3 * step;
        for (group += step; x != group; x += 4, y += 4) {
            twiddled(x, quarter, up, y, step, w0);
            twiddled(x + 2, quarter, up, y + 2, step, w0);
        }
    }
    return w;
}

/* length = 2: half the sums and differences of the two halves. */
static void last_stage(const int32_t *restrict x, int32_t up, int32_t *restrict y, uint32_t points)
{
    const int32_t *b = x + points;
    int32_t *d = y + points;
    for (const int32_t *end = x + points; x != end;) {
        const int32_t first = cs_shift_up(*x++, up), second = cs_shift_up(*b++, up);
        *y++ = (first + second) >> 1;
        *d++ = (first - second) >> 1;
    }
}

/* How far values can be shifted up whose magnitudes add up to less than 2^bits: none of a later stage is larger either. */
static int32_t room(int32_t bits)
{
    return bits < 29 ? 29 - bits : 0;
}

cs_fft_result_q31 cs_complex_fft_q31(const cs_fft_q31 *fft, int32_t bits, int32_t *x, int32_t *y)
{
    const uint32_t points = fft->n / 2u;
    int32_t up = room(bits), sum = up;
    const int32_t *w = first_stage(x, up, y, points, fft->twiddles);
    bits += up - 2;
    for (uint32_t stride = 4; stride < points; stride *= 4) {
        int32_t *done = y;
        y = x;
        x = done;
        up = room(bits);
        sum += up;
        bits += up - 2;
        if (stride * 2 == points) {
            last_stage(x, up, y, points);
        } else {
            w = next_stage(x, up, y, points, stride, w);
        }
    }
    return (cs_fft_result_q31){y, sum};
}

int cs_complex_fft_q31_swaps(const cs_fft_q31 *fft)
{
    int swaps = 1;
    for (uint32_t stride = 4; stride < fft->n / 2u; stride *= 4) {
        swaps = !swaps;
    }
    return swaps;
}
