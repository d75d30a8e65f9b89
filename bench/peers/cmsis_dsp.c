/* SPDX-License-Identifier: Apache-2.0 */
/* CMSIS-DSP's real transform of float32; the library comes from the user's own checkout. */
#include "arm_math.h"

int32_t peer_rfft_init(arm_rfft_fast_instance_f32 *instance, uint32_t points);
void peer_rfft(const arm_rfft_fast_instance_f32 *instance, float *in, float *out, uint32_t inverse);

int32_t peer_rfft_init(arm_rfft_fast_instance_f32 *instance, uint32_t points)
{
    return arm_rfft_fast_init_f32(instance, (uint16_t)points);
}

void peer_rfft(const arm_rfft_fast_instance_f32 *instance, float *in, float *out, uint32_t inverse)
{
    arm_rfft_fast_f32(instance, in, out, (uint8_t)inverse);
}
