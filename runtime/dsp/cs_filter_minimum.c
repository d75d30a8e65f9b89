/* SPDX-License-Identifier: Apache-2.0 */
/* Cepstrum to impulse response by n h[n] = sum of k c[k] h[n - k], k = 1 ... n, c folded: twice the real cepstrum
 * (Oppenheim and Schafer, Discrete-Time Signal Processing). */
#include "codesign/filter.h"
#include "cs_exp2.h"
#include "float_rules.h"

#define TWICE_LN_2 0x1.62e430p+0f

void cs_filter_minimum(uint32_t taps, float *restrict cepstrum, float *restrict filter)
{
    const float rounded = cepstrum[0] + CS_ROUND;
    filter[0] = cs_exp2_scaled(cepstrum[0] - (rounded - CS_ROUND), rounded);
    for (uint32_t n = 1; n < taps; n++) {
        const float *c = cepstrum + 1, *end = filter - 1;
        float sum = 0.0f;
        cepstrum[n] *= (float)n * TWICE_LN_2;
        for (const float *h = filter + n - 1; h != end; h--) {
            sum += *c++ * *h;
        }
        filter[n] = sum / (float)n;
    }
}

#include "float_rules_end.h"
