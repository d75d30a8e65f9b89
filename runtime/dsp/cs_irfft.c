/* SPDX-License-Identifier: Apache-2.0 */
/* Inverse real FFT: the split undone, then the forward complex FFT of the bins in reversed order, which is the inverse. */
#include "cs_complex_fft.h"
#include "float_rules.h"

/* x: n/2 + 1 bins; z: n/2 points, bin k at position n/2 - k. z may be x. Imaginary parts of bins 0 and n/2 are ignored. */
static void merge(const cs_fft *fft, const float *x, float *z)
{
    const uint32_t n = fft->n;
    const float scale = 1.0f / (float)n;
    const float *w = fft->split + 2, *up = x + 2, *down = x + n - 2;
    float *z_up = z + 2, *z_down = z + n - 2;
    const float first = x[0], last = x[n];
    z[0] = scale * (first + last);
    z[1] = scale * (first - last);
    for (; up <= down; up += 2, down -= 2, z_up += 2, z_down -= 2, w += 2) {
        const float a_re = up[0], a_im = up[1], b_re = down[0], b_im = down[1];
        const float even_re = scale * (a_re + b_re), even_im = scale * (a_im - b_im);
        const float odd_re = scale * (a_re - b_re), odd_im = scale * (a_im + b_im);
        const float turned_re = odd_re * w[0] + odd_im * w[1]; /* by the conjugate of w */
        const float turned_im = odd_im * w[0] - odd_re * w[1];
        z_up[0] = even_re + turned_im; /* before z_down: in the middle they are the same point */
        z_up[1] = turned_re - even_im;
        z_down[0] = even_re - turned_im;
        z_down[1] = even_im + turned_re;
    }
}

void cs_irfft(const cs_fft *fft, float *data, float *work)
{
    /* Start where an even or odd number of stages ends in `data`. */
    const int swaps = cs_complex_fft_swaps(fft);
    float *start = swaps ? work : data;
    merge(fft, data, start);
    cs_complex_fft(fft, start, swaps ? data : work);
}

#include "float_rules_end.h"
