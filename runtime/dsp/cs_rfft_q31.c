/* SPDX-License-Identifier: Apache-2.0 */
/* Real FFT: even samples as real, odd ones as imaginary parts of a complex FFT of half the length, then the split. */
#include "cs_complex_fft_q31.h"
#include "fixed_rules.h"

/* z: transform of n/2 points; x: n/2 + 1 bins of the real signal, halved once more. x may be z: bins k and n/2 - k come from
 * the same two. */
static void split(const cs_fft_q31 *fft, const int32_t *z, int32_t *x)
{
    const uint32_t n = fft->n; /* also the words in z */
    const int32_t *w = fft->split + 2, *up = z + 2, *down = z + n - 2;
    int32_t *x_up = x + 2, *x_down = x + n - 2;
    const int32_t re = z[0], im = z[1];
    x[0] = (re + im) >> 1;
    x[1] = 0;
    x[n] = (re - im) >> 1;
    x[n + 1] = 0;
    for (; up <= down; up += 2, down -= 2, x_up += 2, x_down -= 2, w += 2) {
        const int32_t a_re = up[0], a_im = up[1], b_re = down[0], b_im = down[1];
        const int32_t even_re = (a_re + b_re) >> 2, even_im = (a_im - b_im) >> 2;
        const int32_t odd_re = a_im + b_im, odd_im = b_re - a_re;
        const int32_t turned_re = cs_multiply_high(odd_re, w[0]) - cs_multiply_high(odd_im, w[1]);
        const int32_t turned_im = cs_multiply_high(odd_re, w[1]) + cs_multiply_high(odd_im, w[0]);
        x_down[0] = even_re - turned_re; /* before x_up: in the middle they are the same bin */
        x_down[1] = turned_im - even_im;
        x_up[0] = even_re + turned_re;
        x_up[1] = even_im + turned_im;
    }
}

void cs_rfft_q31(const cs_fft_q31 *fft, int32_t *data, int32_t *work)
{
    split(fft, cs_complex_fft_q31(fft, CS_MANY_BITS, data, work).values, data);
}
