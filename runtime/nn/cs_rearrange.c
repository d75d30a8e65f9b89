/* SPDX-License-Identifier: Apache-2.0 */
/* Strided copies. One walk over the three outer loops serves all types: what differs is the innermost. */
#include "arithmetic.h"
#include "codesign/layout.h"
#include "move.h"

#define LAST (CS_COPY_LOOPS - 1)

/* `run` for each start of the innermost loop. */
#define FOR_RUNS(copy, from, to, run)                                                                                   \
    for (uint32_t a_ = 0; a_ < (copy)->sizes[0]; a_++) {                                                                \
        for (uint32_t b_ = 0; b_ < (copy)->sizes[1]; b_++) {                                                            \
            int32_t from = (copy)->from_offset + (int32_t)a_ * (copy)->from[0] + (int32_t)b_ * (copy)->from[1];         \
            int32_t to = (copy)->to_offset + (int32_t)a_ * (copy)->to[0] + (int32_t)b_ * (copy)->to[1];                 \
                                                                                                                        \
            for (uint32_t c_ = 0; c_ < (copy)->sizes[2]; c_++, from += (copy)->from[2], to += (copy)->to[2]) {          \
                run;                                                                                                    \
            }                                                                                                           \
        }                                                                                                               \
    }

#if defined(__ARM_FEATURE_MVE)

/* Assembly: cs_copy_runs_mve.S. */
void cs_scaled_runs(const int32_t *scale, const int16_t *x, int16_t *y, uint32_t to, uint32_t n, uint32_t runs, int32_t next_x,
                    int32_t next_y);
void cs_strided_run(const int16_t *x, uint32_t from, int16_t *y, uint32_t to, uint32_t n);

#define MOST_APART 8191u /* elements; places in a vector are of 16 bits */
#define BY_VECTORS_16(x, from, y, to, n)                                                     \
    if (n >= 4 && (uint32_t)(from) <= MOST_APART && (uint32_t)(to) <= MOST_APART) {          \
        cs_strided_run(x, (uint32_t)(from), y, (uint32_t)(to), n);                           \
        return;                                                                              \
    }

#else
#define BY_VECTORS_16(x, from, y, to, n)
#endif
#define BY_VECTORS_8(x, from, y, to, n)

#define REARRANGE(bits)                                                                                                 \
    static __attribute__((noinline)) void run_##bits(const int##bits##_t *x, int32_t from, int##bits##_t *y,            \
                                                     int32_t to, uint32_t n)                                            \
    {                                                                                                                   \
        BY_VECTORS_##bits(x, from, y, to, n)                                                                            \
        for (; n >= 4; n -= 4) { /* loads first: none waits */                                                          \
            const int##bits##_t a = *x, b = x[from], c = x[2 * from], d = x[3 * from];                                  \
                                                                                                                        \
            *y = a;                                                                                                     \
            y[to] = b;                                                                                                  \
            y[2 * to] = c;                                                                                              \
            y[3 * to] = d;                                                                                              \
            x += 4 * from;                                                                                              \
            y += 4 * to;                                                                                                \
        }                                                                                                               \
        for (; n > 0; n--, x += from, y += to) {                                                                        \
            *y = *x;                                                                                                    \
        }                                                                                                               \
    }                                                                                                                   \
                                                                                                                        \
    void cs_rearrange_s##bits(const cs_copy *copy, const int##bits##_t *x, int##bits##_t *y)                            \
    {                                                                                                                   \
        const uint32_t n = copy->sizes[LAST];                                                                           \
                                                                                                                        \
        if (copy->from[LAST] == 1 && copy->to[LAST] == 1) {                                                             \
            FOR_RUNS(copy, from, to, cs_move(y + to, x + from, n * (uint32_t)sizeof *x))                                \
        } else {                                                                                                        \
            FOR_RUNS(copy, from, to, run_##bits(x + from, copy->from[LAST], y + to, copy->to[LAST], n))                 \
        }                                                                                                               \
    }

REARRANGE(8)
REARRANGE(16)

#if defined(__ARM_FEATURE_MVE)

/* Runs of neighbours of x, int16 to int16, -32767..32767, no zero points. */
static void runs_scaled16(const cs_copy *copy, const cs_scale *scale, const int16_t *x, int16_t *y)
{
    const int32_t constants[2] = {scale->multiplier, scale->shift - 15};

    for (uint32_t a = 0; a < copy->sizes[0]; a++) {
        for (uint32_t b = 0; b < copy->sizes[1]; b++) {
            const int32_t from = copy->from_offset + (int32_t)a * copy->from[0] + (int32_t)b * copy->from[1];
            const int32_t to = copy->to_offset + (int32_t)a * copy->to[0] + (int32_t)b * copy->to[1];

            cs_scaled_runs(constants, x + from, y + to, (uint32_t)copy->to[LAST], copy->sizes[LAST], copy->sizes[2],
                           2 * copy->from[2], 2 * copy->to[2]);
        }
    }
}

#elif defined(__ARM_FEATURE_DSP)

/* Neighbours of x, int16 to int16, -32767..32767, no zero points; `to` elements apart in y. With m the multiplier: floor(m * x / 2^16),
 * which is one instruction, the rounding less one step, the shift to 16 bits, saturation, and the step again. */
static __attribute__((noinline)) void run_scaled16(const cs_scale *scale, const int16_t *x, int16_t *y, int32_t to, uint32_t n)
{
    const int32_t multiplier = scale->multiplier, right = 15 - scale->shift;
    const int32_t round = -(1 << (right - 1));

    for (; n >= 4; n -= 4, x += 4) {
        uint32_t first, second;
        int32_t a, b, c, d;

        __builtin_memcpy(&first, x, 4);
        __builtin_memcpy(&second, x + 2, 4);
        __asm__("smlawb %0, %4, %5, %7\n\t"
                "smlawt %1, %4, %5, %7\n\t"
                "smlawb %2, %4, %6, %7\n\t"
                "smlawt %3, %4, %6, %7\n\t"
                "asr %0, %0, %8\n\t"
                "asr %1, %1, %8\n\t"
                "asr %2, %2, %8\n\t"
                "asr %3, %3, %8\n\t"
                "ssat %0, #16, %0\n\t"
                "ssat %1, #16, %1\n\t"
                "ssat %2, #16, %2\n\t"
                "ssat %3, #16, %3\n\t"
                "pkhbt %0, %0, %1, lsl #16\n\t"
                "pkhbt %2, %2, %3, lsl #16\n\t"
                "qadd16 %0, %0, %9\n\t"
                "qadd16 %2, %2, %9"
                : "=&r"(a), "=&r"(b), "=&r"(c), "=&r"(d)
                : "r"(multiplier), "r"(first), "r"(second), "r"(round), "r"(right), "r"(0x10001));
        if (to == 1) {
            __builtin_memcpy(y, &a, 4);
            __builtin_memcpy(y + 2, &c, 4);
        } else {
            y[0] = (int16_t)a;
            y[to] = (int16_t)(a >> 16);
            y[2 * to] = (int16_t)c;
            y[3 * to] = (int16_t)(c >> 16);
        }
        y += 4 * to;
    }
    for (; n > 0; n--, y += to) {
        *y = (int16_t)cs_saturate_s16(cs_saturate_s16(cs_multiply_high_add(*x++ * 65536, multiplier, round) >> right) + 1);
    }
}

#endif

#if defined(__ARM_FEATURE_DSP)

/* Whether it computes them. */
static inline int fits_scaled16(const cs_copy *copy, const cs_scale *scale)
{
#if defined(__ARM_FEATURE_MVE)
    if ((uint32_t)copy->to[LAST] > MOST_APART) {
        return 0;
    }
#endif
    return scale->x_wide && scale->y_wide && copy->from[LAST] == 1 && scale->shift >= -14 &&
           scale->source_zero_point == 0 && scale->zero_point == 0 && scale->low == -32767 && scale->high == 32767;
}

#endif

/* One innermost loop from x[from] to y[to]. */
static __attribute__((noinline)) void run_scaled(const cs_copy *copy, const cs_scale *scale, const void *x, int32_t from,
                                                 void *y, int32_t to)
{
    const int16_t *x16 = (const int16_t *)x;
    const int8_t *x8 = (const int8_t *)x;

    for (uint32_t i = 0; i < copy->sizes[LAST]; i++, from += copy->from[LAST], to += copy->to[LAST]) {
        const int32_t value = (scale->x_wide ? x16[from] : x8[from]) - scale->source_zero_point;
        const int32_t scaled = cs_multiply_by_quantized_multiplier(value, scale->multiplier, scale->shift);
        const int32_t result = cs_clamp(scaled + scale->zero_point, scale->low, scale->high);

        if (scale->y_wide) {
            ((int16_t *)y)[to] = (int16_t)result;
        } else {
            ((int8_t *)y)[to] = (int8_t)result;
        }
    }
}

void cs_rearrange_scaled(const cs_copy *copy, const cs_scale *scale, const void *x, void *y)
{
#if defined(__ARM_FEATURE_MVE)
    if (fits_scaled16(copy, scale)) {
        runs_scaled16(copy, scale, x, y);
        return;
    }
#elif defined(__ARM_FEATURE_DSP)
    if (fits_scaled16(copy, scale)) {
        const uint32_t n = copy->sizes[LAST];

        FOR_RUNS(copy, from, to, run_scaled16(scale, (const int16_t *)x + from, (int16_t *)y + to, copy->to[LAST], n))
        return;
    }
#endif
    FOR_RUNS(copy, from, to, run_scaled(copy, scale, x, from, y, to))
}
