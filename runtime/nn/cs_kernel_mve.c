/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel for cores with the M-profile vector extension (Cortex-M52, M55, M85). Empty elsewhere.
 *
 * Packing, for each four rows: of every whole sixteen columns the 16 bytes of the first row, of the second, the third and
 * the fourth; then, of the columns that are left, rounded up to 4, the bytes of the first row, and so on. Then the next
 * four rows. python/codesign/compiler/layers/packing.py. */
#include "codesign/nn.h"

#if defined(__ARM_FEATURE_MVE)

#include <arm_mve.h>

const void *cs_matvec_mve(const void *weights, const int16_t *prepared, uint32_t rows, uint32_t columns,
                          int32_t *acc);

/* A copy as int8, with zeros up to a multiple of 4: the LSTM overwrites its hidden state while it still multiplies it. */
static void prepare(const void *values, uint32_t n, int16_t *prepared)
{
    const int8_t *x = values;
    int8_t *copy = (int8_t *)prepared;
    int32_t left = (int32_t)n;

    for (; left > 0; left -= 16, x += 16, copy += 16) {
        const int8x16_t some = vldrbq_z_s8(x, vctp8q((uint32_t)left));

        vstrbq_p_s8(copy, some, vctp8q(CS_ROUND_UP_4((uint32_t)left)));
    }
}

const cs_kernel cs_kernel_mve = {prepare, cs_matvec_mve};

#else

typedef int cs_kernel_mve_needs_the_vector_extension; /* ISO C wants one declaration a file */

#endif
