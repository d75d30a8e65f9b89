/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/chain.h"
#include "float_vectors.h"
#include "float_rules.h"

static inline int16_t to_pcm(float v)
{
    return (int16_t)cs_limit(cs_round(v * 32768.0f), -32768, 32767);
}

void cs_overlap_add(const cs_frame_size *size, const float *frame, const float *window, float *overlap, int16_t *out)
{
    const uint32_t hop = size->hop, past = size->window - hop, both = past < hop ? past : hop, kept = past - both;
    uint32_t i = 0;
#if CS_FLOAT_VECTORS
    i = cs_overlap_vectors(overlap, frame, window, out, both) ? both : 0;
#endif
    for (; i < both; i++) {
        out[i] = to_pcm(overlap[i] + frame[i] * window[i]);
    }
    for (; i < hop; i++) { /* of a frame shorter than two hops: what no other frame covers */
        out[i] = to_pcm(frame[i] * window[i]);
    }
    /* What stays moves to the front; the newest hop has nothing to be added to. */
    frame += hop;
    window += hop;
    for (i = 0; i < kept; i++) {
        overlap[i] = overlap[i + hop] + frame[i] * window[i];
    }
#if CS_FLOAT_VECTORS
    i = cs_product_vectors(frame + kept, window + kept, overlap + kept, past - kept) ? past : kept;
#endif
    for (; i < past; i++) {
        overlap[i] = frame[i] * window[i];
    }
}

#include "float_rules_end.h"
