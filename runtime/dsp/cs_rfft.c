/* SPDX-License-Identifier: Apache-2.0 */
/* Real FFT: even samples as real, odd ones as imaginary parts of a complex FFT of half the length, then the split. */
#include "cs_complex_fft.h"
#include "real_split.h"
#include "float_rules.h"

void cs_rfft(const cs_fft *fft, float *data, float *work)
{
    cs_split(fft, cs_complex_fft(fft, data, work), data);
}

#include "float_rules_end.h"
