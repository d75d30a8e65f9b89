/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/chain.h"
#include "float_rules.h"

/* ONNX QuantizeLinear, but for the least integer, which is there only where it is the zero point. What the inner clamp cuts saturates with every zero point. */
void cs_quantize_s8(const float *restrict x, uint32_t n, float scale, int32_t zero_point, int8_t *restrict q)
{
    const int32_t least = zero_point < -127 ? zero_point : -127;

    for (uint32_t i = 0; i < n; i++) {
        const int32_t steps = cs_limit(cs_round(x[i] / scale), -512, 512);
        q[i] = (int8_t)cs_limit(steps + zero_point, least, 127);
    }
}

void cs_quantize_s16(const float *restrict x, uint32_t n, float scale, int16_t *restrict q)
{
    for (uint32_t i = 0; i < n; i++) {
        q[i] = (int16_t)cs_limit(cs_round(x[i] / scale), -32767, 32767);
    }
}

void cs_dequantize_s8(const int8_t *restrict q, uint32_t n, float scale, int32_t zero_point, float *restrict x)
{
    for (uint32_t i = 0; i < n; i++) {
        x[i] = (float)(q[i] - zero_point) * scale;
    }
}

void cs_dequantize_s16(const int16_t *restrict q, uint32_t n, float scale, int32_t zero_point, float *restrict x)
{
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
