/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/chain.h"
#include "float_vectors.h"
#include "float_rules.h"

/* ONNX QuantizeLinear, but for the least integer, which is there only where it is the zero point. What the inner clamp cuts
 * saturates with every zero point. */
void cs_quantize_s8(const float *restrict x, uint32_t n, float scale, int32_t zero_point, int8_t *restrict q)
{
    const int32_t least = zero_point < -127 ? zero_point : -127;

    for (uint32_t i = 0; i < n; i++) {
        const int32_t steps = cs_limit(cs_round(x[i] / scale), -512, 512);
        q[i] = (int8_t)cs_limit(steps + zero_point, least, 127);
    }
}

static inline int16_t quantized16(float x, float scale)
{
    return (int16_t)cs_limit(cs_round(x / scale), -32767, 32767);
}

#if defined(__thumb__) && defined(__ARM_FP) && (__ARM_FP & 4) && defined(__ARM_FEATURE_DSP)

/* The same from steps in 1/256, wrong by at most 2 of them: rounding of the factor, of the product and to them. Where they are
 * near to half a step, the quotient says what x is; beyond int16 both are the same. */
static inline int16_t rounded16(int32_t parts, float x, float scale)
{
    int32_t q;

    if ((((uint32_t)parts + 131u) & 255u) < 7u) {
        return quantized16(x, scale);
    }
    __asm__("ssat %0, #16, %1, asr #1\n\t" /* one step less, which is added again: int16 ends at -32767 */
            "qadd16 %0, %0, %2"
            : "=&r"(q)
            : "r"((parts >> 7) - 1), "r"(1));
    return (int16_t)q;
}

/* A division takes as long as fourteen products. Two at a time: one is on its way while the other is computed. */
void cs_quantize_s16(const float *restrict x, uint32_t n, float scale, int16_t *restrict q)
{
    const float parts = 256.0f / scale;
    uint32_t i = 0;

#if CS_FLOAT_VECTORS
    while (parts < 1e36f && i + 4 <= n) {
        i += cs_quantize_vectors(x + i, n - i, cs_float_bits(parts), q + i);
        for (const uint32_t end = i + 4 <= n ? i + 4 : i; i < end; i++) {
            q[i] = quantized16(x[i], scale);
        }
    }
#endif
    for (; parts < 1e36f && i + 2 <= n; i += 2) {
        const float one = x[i], other = x[i + 1];
        float a = one * parts, b = other * parts;
        int32_t c, d;

        __asm__("vcvtr.s32.f32 %2, %2\n\t"
                "vcvtr.s32.f32 %3, %3\n\t"
                "vmov %0, %2\n\t"
                "vmov %1, %3"
                : "=&r"(c), "=r"(d), "+&t"(a), "+&t"(b));
        q[i] = rounded16(c, one, scale);
        q[i + 1] = rounded16(d, other, scale);
    }
    for (; i < n; i++) {
        q[i] = quantized16(x[i], scale);
    }
}

#else

void cs_quantize_s16(const float *restrict x, uint32_t n, float scale, int16_t *restrict q)
{
    for (uint32_t i = 0; i < n; i++) {
        q[i] = quantized16(x[i], scale);
    }
}

#endif

void cs_dequantize_s8(const int8_t *restrict q, uint32_t n, float scale, int32_t zero_point, float *restrict x)
{
    for (uint32_t i = 0; i < n; i++) {
        x[i] = (float)(q[i] - zero_point) * scale;
    }
}

void cs_dequantize_s16(const int16_t *restrict q, uint32_t n, float scale, int32_t zero_point, float *restrict x)
{
#if CS_FLOAT_VECTORS
    if (scale >= 0x1p-126f) {
        cs_dequantize_vectors(q, n, cs_float_bits(scale), zero_point, x);
        return;
    }
#endif
    for (; n >= 4; n -= 4, q += 4, x += 4) { /* while one result is on its way the next begins */
        const float a = (float)(q[0] - zero_point), b = (float)(q[1] - zero_point);
        const float c = (float)(q[2] - zero_point), d = (float)(q[3] - zero_point);

        x[0] = a * scale;
        x[1] = b * scale;
        x[2] = c * scale;
        x[3] = d * scale;
    }
    for (uint32_t i = 0; i < n; i++) {
        x[i] = (float)(q[i] - zero_point) * scale;
    }
}

#include "float_rules_end.h"
