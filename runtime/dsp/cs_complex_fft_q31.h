/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODESIGN_DSP_CS_COMPLEX_FFT_Q31_H
#define CODESIGN_DSP_CS_COMPLEX_FFT_Q31_H

#include "codesign/dsp_q31.h"

#define CS_MANY_BITS 64 /* nothing is known of the sum of all magnitudes */

/* Where the transform is, and that it was shifted up by `up` on the way. */
typedef struct cs_fft_result_q31 {
    int32_t *values;
    int32_t up;
} cs_fft_result_q31;

/* Forward transform, divided by its length, of fft->n / 2 complex points from x, with y of the same size as the second buffer:
 * in one of them, in natural order. All magnitudes are below 2^29, and their sum below 2^bits. */
cs_fft_result_q31 cs_complex_fft_q31(const cs_fft_q31 *fft, int32_t bits, int32_t *x, int32_t *y);

/* 1 when the result is in y. */
int cs_complex_fft_q31_swaps(const cs_fft_q31 *fft);

#endif
