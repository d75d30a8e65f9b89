/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline in float32: hop in, analysis, features, network, mask, synthesis, hop out. */
#include "codesign/enhancer.h"

int cs_frame_float32(const cs_model *model, uint8_t *memory, const int16_t *in, int16_t *out)
{
    const cs_frontend *front = (const void *)model->frontend;
    const cs_layout *at = &model->layout;
    float *spectrum = (void *)(memory + at->spectrum), *work = (void *)(memory + at->work);

    cs_analysis(front, (void *)(memory + at->history), in, spectrum, work);
    cs_features(front, spectrum, work, (void *)(memory + at->features));
    const int updated = model->step(memory);
    cs_apply_mask(front, memory + at->mask, spectrum, work);
    cs_synthesis(front, spectrum, work, (void *)(memory + at->overlap), out);
    return updated;
}
