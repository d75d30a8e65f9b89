/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODESIGN_DSP_CS_COMPLEX_FFT_H
#define CODESIGN_DSP_CS_COMPLEX_FFT_H

#include "codesign/dsp.h"

/* Forward transform of fft->n / 2 complex points from x, with y of the same size as the second buffer. Returns the one
 * that holds the result, in natural order. */
float *cs_complex_fft(const cs_fft *fft, float *x, float *y);

/* 1 when the result is in y. */
int cs_complex_fft_swaps(const cs_fft *fft);

#endif
