/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/real.h"
#include "float_rules.h"

#define LAST (CS_COPY_LOOPS - 1)

void cs_real_move(const cs_copy *copy, const float *x, float *y)
{
    for (uint32_t a = 0; a < copy->sizes[0]; a++) {
        for (uint32_t b = 0; b < copy->sizes[1]; b++) {
            for (uint32_t c = 0; c < copy->sizes[2]; c++) {
                const float *from = x + copy->from_offset + (int32_t)a * copy->from[0] + (int32_t)b * copy->from[1] +
                                    (int32_t)c * copy->from[2];
                float *to = y + copy->to_offset + (int32_t)a * copy->to[0] + (int32_t)b * copy->to[1] +
                            (int32_t)c * copy->to[2];

                for (uint32_t n = copy->sizes[LAST]; n > 0; n--, from += copy->from[LAST], to += copy->to[LAST]) {
                    *to = *from;
                }
            }
        }
    }
}

#include "float_rules_end.h"
