/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline in fixed point: hop in, analysis, features, network, mask, synthesis, hop out. */
#include "codesign/enhancer.h"

int cs_frame_q31(const cs_model *model, uint8_t *memory, const int16_t *in, int16_t *out)
{
    const cs_frontend_q31 *front = (const void *)model->frontend;
    const cs_layout *at = &model->layout;
    int32_t *spectrum = (void *)(memory + at->spectrum), *work = (void *)(memory + at->work);

    const int32_t gain = cs_analysis_q31(front, (void *)(memory + at->history), in, spectrum, work);
    cs_features_q31(front, spectrum, gain, work, (void *)(memory + at->features));
    const int updated = model->step(memory);
    const cs_spread_q31 spread = cs_apply_mask_q31(front, memory + at->mask, spectrum, work);
    cs_synthesis_q31(front, spectrum, gain, spread, work, (void *)(memory + at->overlap), out);
    return updated;
}
