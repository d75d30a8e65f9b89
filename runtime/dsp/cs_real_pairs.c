/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/real.h"
#include "float_rules.h"
#include "square_root.h"

#define PAIRS(name, result)                                                                                               \
    void cs_real_##name(const float *a, uint32_t a_step, const float *b, uint32_t b_step, uint32_t n, float *y)           \
    {                                                                                                                     \
        for (const float *end = y + n; y != end; a += a_step, b += b_step) {                                              \
            const float one = *a, other = *b;                                                                             \
                                                                                                                          \
            *y++ = (result);                                                                                              \
        }                                                                                                                 \
    }

PAIRS(add, one + other)
PAIRS(subtract, one - other)
PAIRS(multiply, one * other)
PAIRS(divide, one / other)
PAIRS(minimum, other < one ? other : one)
PAIRS(maximum, one < other ? other : one)

void cs_real_magnitude(const float *a, uint32_t a_step, const float *b, uint32_t b_step, float floor, uint32_t n, float *y)
{
    for (const float *end = y + n; y != end; a += a_step, b += b_step) {
        const float one = *a, other = *b;

        *y++ = cs_square_root((one * one + other * other) + floor);
    }
}

#include "float_rules_end.h"
