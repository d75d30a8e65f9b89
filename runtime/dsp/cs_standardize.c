/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/chain.h"
#include "float_rules.h"

void cs_floor(float *x, uint32_t n, float floor)
{
    for (uint32_t i = 0; i < n; i++) {
        x[i] = x[i] < floor ? floor : x[i];
    }
}

void cs_standardize(const float *x, uint32_t n, const float *mean, uint32_t mean_step, const float *factor,
                  uint32_t factor_step, float *y)
{
    for (const float *end = x + n; x != end; mean += mean_step, factor += factor_step) {
        *y++ = (*x++ - *mean) * *factor;
    }
}

#include "float_rules_end.h"
