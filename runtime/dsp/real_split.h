/* SPDX-License-Identifier: Apache-2.0 */
/* What makes a real transform of n points of a complex one of n/2: even samples are real, odd ones imaginary parts. Included
 * where float_rules_end.h follows. */
#ifndef CODESIGN_REAL_SPLIT_H
#define CODESIGN_REAL_SPLIT_H

#include "codesign/dsp.h"
#include "float_vectors.h"
#include "float_rules.h"

/* z: transform of n/2 points; x: n/2 + 1 bins of the real signal. x may be z: bins k and n/2 - k come from the same two. */
static inline void cs_split(const cs_fft *fft, const float *z, float *x)
{
    const uint32_t n = fft->n; /* also the floats in z */
    const float *w = fft->split + 2, *up = z + 2, *down = z + n - 2;
    float *x_up = x + 2, *x_down = x + n - 2;
    const float re = z[0], im = z[1];
    x[0] = re + im;
    x[1] = 0.0f;
    x[n] = re - im;
    x[n + 1] = 0.0f;
#if CS_FLOAT_VECTORS
    const uint32_t done = 4 * cs_split_vectors(up, down, x_up, x_down, w, (n / 4 - 1) / 2);
    up += done, down -= done, x_up += done, x_down -= done, w += done;
#endif
    for (; up <= down; up += 2, down -= 2, x_up += 2, x_down -= 2, w += 2) {
        const float a_re = up[0], a_im = up[1], b_re = down[0], b_im = down[1];
        const float even_re = 0.5f * (a_re + b_re), even_im = 0.5f * (a_im - b_im);
        const float odd_re = 0.5f * (a_im + b_im), odd_im = 0.5f * (b_re - a_re);
        const float turned_re = odd_re * w[0] - odd_im * w[1];
        const float turned_im = odd_re * w[1] + odd_im * w[0];
        x_down[0] = even_re - turned_re; /* before x_up: in the middle they are the same bin */
        x_down[1] = turned_im - even_im;
        x_up[0] = even_re + turned_re;
        x_up[1] = even_im + turned_im;
    }
}

/* x: n/2 + 1 bins; z: n/2 points, bin k at position n/2 - k. z may be x. Imaginary parts of bins 0 and n/2 are ignored. */
static inline void cs_merge(const cs_fft *fft, const float *x, float *z)
{
    const uint32_t n = fft->n;
    const float scale = 1.0f / (float)n;
    const float *w = fft->split + 2, *up = x + 2, *down = x + n - 2;
    float *z_up = z + 2, *z_down = z + n - 2;
    const float first = x[0], last = x[n];
    z[0] = scale * (first + last);
    z[1] = scale * (first - last);
#if CS_FLOAT_VECTORS
    const uint32_t done = 4 * cs_merge_vectors(up, down, z_up, z_down, w, (n / 4 - 1) / 2, cs_float_bits(scale));
    up += done, down -= done, z_up += done, z_down -= done, w += done;
#endif
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

#endif
