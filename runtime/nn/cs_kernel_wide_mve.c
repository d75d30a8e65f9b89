/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel for int16 vectors on cores with the M-profile vector extension. Empty elsewhere.
 *
 * Packing, for each four rows: of every eight columns, the last ones filled up with zeros, the 8 bytes of the first row, of the
 * second, the third and the fourth. Then the next four rows. python/codesign/compiler/layers/packing_wide.py. */
#include "codesign/nn.h"

#if defined(__ARM_FEATURE_MVE)

#include <arm_mve.h>

const void *cs_matvec_wide_mve(const void *weights, const int16_t *prepared, uint32_t rows, uint32_t columns,
                               int32_t *acc);

/* A copy with zeros up to a multiple of 8, which cs_prepared_bytes has room for. */
static void prepare_wide(const void *values, uint32_t n, int16_t *prepared)
{
    const int16_t *x = values;
    int32_t left = (int32_t)n;

    for (; left > 0; left -= 8, x += 8, prepared += 8) {
        vstrhq_s16(prepared, vldrhq_z_s16(x, vctp16q((uint32_t)left)));
    }
}

const cs_kernel cs_kernel_wide_mve = {prepare_wide, cs_matvec_wide_mve};

#else

typedef int cs_kernel_wide_mve_needs_the_vector_extension; /* ISO C wants one declaration a file */

#endif
