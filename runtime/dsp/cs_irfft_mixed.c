/* SPDX-License-Identifier: Apache-2.0 */
/* Inverse real FFT of a length that is no power of two. */
#include "cs_mixed_fft.h"
#include "real_split.h"
#include "float_rules.h"

void cs_irfft_mixed(const cs_mixed_fft *fft, float *data, float *work)
{
    /* Start where an even or odd number of stages ends in `data`. */
    const int swaps = fft->stages % 2;
    float *start = swaps ? work : data;
    cs_merge(&fft->fft, data, start);
    cs_mixed_complex_fft(fft, start, swaps ? data : work);
}

#include "float_rules_end.h"
