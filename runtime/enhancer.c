/* SPDX-License-Identifier: Apache-2.0 */
/* The enhancer's interface: checks, initial state, frame after frame. All memory is the caller's. */
#include "codesign/enhancer.h"

#define MAGIC 0x4e534443u /* "CDSN": set by init, so that process refuses memory that was never initialized */

typedef struct header {
    const cs_model *model;
    uint32_t magic;
    uint32_t frames;
    uint32_t skipped;
} header;

_Static_assert(sizeof(header) <= CS_ENHANCER_HEADER_BYTES, "the header fits before the arena");
_Static_assert(CS_ENHANCER_HEADER_BYTES % 8 == 0, "the arena is 8-byte aligned");

static int initialized(const void *memory)
{
    return memory != NULL && (uintptr_t)memory % 8 == 0 && ((const header *)memory)->magic == MAGIC;
}

size_t cs_enhancer_size(const cs_model *model)
{
    return model == NULL ? 0 : CS_ENHANCER_HEADER_BYTES + (size_t)model->layout.bytes;
}

cs_status cs_enhancer_init(const cs_model *model, void *memory, size_t size)
{
    if (model == NULL || memory == NULL || (uintptr_t)memory % 8 != 0 || size < cs_enhancer_size(model)) {
        return CS_BAD_ARGUMENT;
    }
    if (model->frontend->n_mels > model->frontend->n_fft / 2 + 1) { /* bands and bins share a buffer of n_fft + 2 */
        return CS_BAD_ARGUMENT;
    }
    __builtin_memset(memory, 0, cs_enhancer_size(model));
    model->reset((uint8_t *)memory + CS_ENHANCER_HEADER_BYTES);
    *(header *)memory = (header){.model = model, .magic = MAGIC};
    return CS_OK;
}

cs_status cs_enhancer_process(void *memory, const int16_t *in, int16_t *out, size_t hops)
{
    if (!initialized(memory) || (hops > 0 && (in == NULL || out == NULL))) {
        return CS_BAD_ARGUMENT;
    }
    header *enhancer = memory;
    const size_t hop = enhancer->model->frontend->hop;
    for (; hops > 0; hops--, in += hop, out += hop) {
        const int updated = enhancer->model->frame(enhancer->model, (uint8_t *)memory + CS_ENHANCER_HEADER_BYTES, in, out);
        enhancer->frames++;
        enhancer->skipped += updated ? 0u : 1u;
    }
    return CS_OK;
}

uint32_t cs_enhancer_frames(const void *memory)
{
    return initialized(memory) ? ((const header *)memory)->frames : 0;
}

uint32_t cs_enhancer_skipped(const void *memory)
{
    return initialized(memory) ? ((const header *)memory)->skipped : 0;
}
