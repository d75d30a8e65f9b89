/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/chain.h"
#include "float_rules.h"

__attribute__((noinline)) void cs_analysis(const cs_frontend *front, int16_t *history, const int16_t *in,
                                           float *spectrum, float *work)
{
    cs_take_frame(&front->size, front->analysis_window, history, in, spectrum);
    cs_rfft(&front->fft, spectrum, work);
}

#include "float_rules_end.h"
