/* SPDX-License-Identifier: Apache-2.0 */
#include "arithmetic.h"
#include "codesign/nn.h"

#if defined(__ARM_FEATURE_MVE)

/* Assembly: cs_lookup_run_mve.S. */
void cs_lookup_run(const uint32_t *middle, const int16_t *x, int16_t *y, uint32_t n);

#endif

void cs_lookup_s16(const uint32_t *table, const int16_t *x, int16_t *y, uint32_t n)
{
#if defined(__ARM_FEATURE_MVE)
    cs_lookup_run(table + CS_TABLE_MIDDLE, x, y, n);
#else
    for (uint32_t i = 0; i < n; i++) {
        y[i] = (int16_t)cs_interpolate(table, x[i]);
    }
#endif
}
