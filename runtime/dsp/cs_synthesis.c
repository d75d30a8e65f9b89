/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/chain.h"
#include "float_rules.h"

__attribute__((noinline)) void cs_synthesis(const cs_frontend *front, float *spectrum, float *work, float *overlap,
                                            int16_t *out)
{
    cs_irfft(&front->fft, spectrum, work);
    cs_overlap_add(&front->size, spectrum, front->synthesis_window, overlap, out);
}

#include "float_rules_end.h"
