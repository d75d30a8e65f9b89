/* SPDX-License-Identifier: Apache-2.0 */
#include "arithmetic.h"
#include "codesign/nn.h"

void cs_requantize_s16_s8(int32_t multiplier, int32_t shift, int32_t zero_point, const int16_t *x, int8_t *y, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const int32_t value = cs_multiply_by_quantized_multiplier(x[i], multiplier, shift) + zero_point;

        y[i] = (int8_t)cs_clamp(value, -127, 127);
    }
}
