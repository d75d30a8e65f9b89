/* SPDX-License-Identifier: Apache-2.0 */
/* Inverse real FFT: the split undone, then the forward complex FFT of the bins in reversed order, which is the inverse. */
#include "cs_complex_fft.h"
#include "real_split.h"
#include "float_rules.h"

void cs_irfft(const cs_fft *fft, float *data, float *work)
{
    /* Start where an even or odd number of stages ends in `data`. */
    const int swaps = cs_complex_fft_swaps(fft);
    float *start = swaps ? work : data;
    cs_merge(fft, data, start);
    cs_complex_fft(fft, start, swaps ? data : work);
}

#include "float_rules_end.h"
