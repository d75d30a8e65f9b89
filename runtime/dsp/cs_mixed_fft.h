/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODESIGN_DSP_CS_MIXED_FFT_H
#define CODESIGN_DSP_CS_MIXED_FFT_H

#include "codesign/chain.h"

/* Forward transform of n / 2 complex points from x, with y of the same size as the second buffer. Returns the one that holds
 * the result, in natural order: y where the number of stages is odd. */
float *cs_mixed_complex_fft(const cs_mixed_fft *fft, float *x, float *y);

#endif
