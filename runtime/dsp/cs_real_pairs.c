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

#define PI 0x1.921fb6p+1f
#define HALF_PI 0x1.921fb6p+0f
#define LEAST 0x1p-126f /* the smallest normal number */

/* Arc tangent of t in 0 ... 1, by a minimax polynomial. */
static inline float arc_tangent(float t)
{
    const float u = t * t;
    float p = -0x1.cbc842p-10f;

    p = p * u + 0x1.5f802p-7f;
    p = p * u + -0x1.f8b3d8p-6f;
    p = p * u + 0x1.d77782p-5f;
    p = p * u + -0x1.572286p-4f;
    p = p * u + 0x1.c02f82p-4f;
    p = p * u + -0x1.24159ap-3f;
    p = p * u + 0x1.999082p-3f;
    p = p * u + -0x1.555534p-2f;
    p = p * u + 1.0f;
    return p * t;
}

void cs_real_phase(const float *a, uint32_t a_step, const float *b, uint32_t b_step, uint32_t n, float *y)
{
    for (const float *end = y + n; y != end; a += a_step, b += b_step) {
        const float im = *a, re = *b;
        const float across = im < 0.0f ? 0.0f - im : im, along = re < 0.0f ? 0.0f - re : re;
        const int steep = along < across;
        const float large = steep ? across : along, small = steep ? along : across;
        float angle = arc_tangent(small / (large > LEAST ? large : LEAST));

        angle = steep ? HALF_PI - angle : angle;
        angle = re < 0.0f ? PI - angle : angle;
        *y++ = im > 0.0f ? angle : 0.0f - angle;
    }
}

#include "float_rules_end.h"
