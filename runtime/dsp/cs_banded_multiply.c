/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/dsp.h"
#include "float_rules.h"

void cs_banded_multiply(const cs_banded *matrix, const float *restrict x, float *restrict y)
{
    const uint16_t *start = matrix->start, *length = matrix->length;
    const float *w = matrix->weights;
    for (const float *y_end = y + matrix->rows; y != y_end;) {
        const float *column = x + *start++;
        const float *end = w + *length++;
        float sum = 0.0f;
        while (w != end) {
            sum += *w++ * *column++;
        }
        *y++ = sum;
    }
}

#include "float_rules_end.h"
