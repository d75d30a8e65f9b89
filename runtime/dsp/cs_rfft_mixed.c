/* SPDX-License-Identifier: Apache-2.0 */
/* Real FFT of a length that is no power of two. */
#include "cs_mixed_fft.h"
#include "real_split.h"
#include "float_rules.h"

void cs_rfft_mixed(const cs_mixed_fft *fft, float *data, float *work)
{
    cs_split(&fft->fft, cs_mixed_complex_fft(fft, data, work), data);
}

#include "float_rules_end.h"
