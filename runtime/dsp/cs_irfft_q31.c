/* SPDX-License-Identifier: Apache-2.0 */
/* Inverse real FFT: the split undone, then the forward complex FFT of the bins in reversed order, which is the inverse. */
#include "cs_complex_fft_q31.h"
#include "fixed_rules.h"

/* x: n/2 + 1 bins, shifted up by `headroom`; z: n/2 points, bin k at position n/2 - k. z may be x. Imaginary parts of bins 0
 * and n/2 are ignored. */
static void merge(const cs_fft_q31 *fft, const int32_t *x, int32_t headroom, int32_t *z)
{
    const uint32_t n = fft->n;
    const int32_t *w = fft->split + 2, *up = x + 2, *down = x + n - 2;
    int32_t *z_up = z + 2, *z_down = z + n - 2;
    const int32_t first = cs_shift_up(x[0], headroom), last = cs_shift_up(x[n], headroom);
    z[0] = (first + last) >> 2;
    z[1] = (first - last) >> 2;
    for (; up <= down; up += 2, down -= 2, z_up += 2, z_down -= 2, w += 2) {
        const int32_t a_re = cs_shift_up(up[0], headroom), a_im = cs_shift_up(up[1], headroom);
        const int32_t b_re = cs_shift_up(down[0], headroom), b_im = cs_shift_up(down[1], headroom);
        const int32_t even_re = (a_re + b_re) >> 2, even_im = (a_im - b_im) >> 2;
        const int32_t odd_re = a_re - b_re, odd_im = a_im + b_im;
        /* by the conjugate of w */
        const int32_t turned_re = cs_multiply_high(odd_re, w[0]) + cs_multiply_high(odd_im, w[1]);
        const int32_t turned_im = cs_multiply_high(odd_im, w[0]) - cs_multiply_high(odd_re, w[1]);
        z_up[0] = even_re + turned_im; /* before z_down: in the middle they are the same point */
        z_up[1] = turned_re - even_im;
        z_down[0] = even_re - turned_im;
        z_down[1] = even_im + turned_re;
    }
}

int32_t cs_irfft_q31(const cs_fft_q31 *fft, int32_t *data, cs_spread_q31 spread, int32_t *work)
{
    /* Start where an even or odd number of stages ends in `data`. */
    const int swaps = cs_complex_fft_q31_swaps(fft);
    int32_t *start = swaps ? work : data;
    merge(fft, data, spread.headroom, start);
    return spread.headroom + cs_complex_fft_q31(fft, spread.bits, start, swaps ? data : work).up;
}
