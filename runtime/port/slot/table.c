/* SPDX-License-Identifier: Apache-2.0 */
/* The table of a model image: what firmware calls of the model that this is built with. */
#include "codesign/model_image.h"
#include "codesign_model.h"

static int init(void *memory, size_t size)
{
    return (int)cs_enhancer_init(&CODESIGN_MODEL, memory, size);
}

static int process(void *memory, const int16_t *in, int16_t *out)
{
    return (int)cs_enhancer_process(memory, in, out, 1);
}

__attribute__((used)) const cs_model_table cs_model_entries = {
    .init = init,
    .process = process,
    .frames = cs_enhancer_frames,
    .skipped = cs_enhancer_skipped,
#ifdef CODESIGN_MODEL_LAG
    .play = codesign_play,
    .update = codesign_update,
    .held = codesign_held,
#endif
#ifdef CODESIGN_MODEL_STRENGTH
    .set_strength = codesign_set_strength,
#endif
#ifdef CODESIGN_MODEL_PROGRAMS
    .set_program = codesign_set_program,
    .programs = CODESIGN_MODEL_PROGRAMS,
#endif
};
