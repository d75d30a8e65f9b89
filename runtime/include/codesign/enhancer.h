/* SPDX-License-Identifier: Apache-2.0 */
/* The enhancer: hops of int16 PCM in, hops of int16 PCM out. The whole library is used through these three functions. */
#ifndef CODESIGN_ENHANCER_H
#define CODESIGN_ENHANCER_H

#include <stddef.h>
#include <stdint.h>

#include "codesign/dsp.h"
#include "codesign/dsp_q31.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum cs_status {
    CS_OK = 0,
    CS_BAD_ARGUMENT = 1, /* null pointer, misaligned or short memory, memory that was not initialized */
} cs_status;

/* Byte offsets of the pipeline's buffers in the caller's memory, from the memory plan. Words are floats, or int32_t in the Q31
 * front end. */
typedef struct cs_layout {
    uint32_t history;  /* int16 [window - hop]    persistent: latest input */
    uint32_t overlap;  /* word [window - hop]     persistent: output not yet complete */
    uint32_t spectrum; /* word [n_fft + 2]        frame, then its spectrum (re, im interleaved) */
    uint32_t work;     /* word [n_fft + 2]        the FFT's second buffer; magnitudes */
    uint32_t features; /* int8, int16 or float    the network's input, as the model says */
    uint32_t mask;     /* int8 or int16           the network's output: gains, a mask, a spectrum or a frame */
    uint32_t bytes;    /* of all, including what only the network uses */
} cs_layout;

/* A network with its front end: generated, constant. */
typedef struct cs_model {
    const char *name;
    const cs_frame_size *frontend; /* of a cs_frontend or a cs_frontend_q31, or alone, as `frame` takes it */
    cs_layout layout;
    void (*reset)(uint8_t *memory); /* initial network states */
    int (*step)(uint8_t *memory);   /* features -> mask; returns 0 when a skip gate left the states as they were */
    int (*frame)(const struct cs_model *model, uint8_t *memory, const int16_t *in, int16_t *out); /* as `step` returns */
} cs_model;

/* One hop through front end and network, in either arithmetic; a model with another chain has a frame of its own. */
int cs_frame_float32(const cs_model *model, uint8_t *memory, const int16_t *in, int16_t *out);
int cs_frame_q31(const cs_model *model, uint8_t *memory, const int16_t *in, int16_t *out);

/* In front of the arena; sizes static memory at compile time as <MODEL>_MEMORY_BYTES does. */
#define CS_ENHANCER_HEADER_BYTES 32u

/* Bytes of memory that an enhancer for this model needs; 0 for a null model. */
size_t cs_enhancer_size(const cs_model *model);

/* Bring `memory` (8-byte aligned, at least cs_enhancer_size bytes) into the initial state; also the reset. */
cs_status cs_enhancer_init(const cs_model *model, void *memory, size_t size);

/* Process `hops` blocks of model->frontend->hop samples of PCM, those of all channels together. The output is late by
 * window - hop samples of an enhancer's own front end; a generated header says what its model's is. in and out may be the same
 * buffer. Returns CS_OK, or CS_BAD_ARGUMENT with nothing done. */
cs_status cs_enhancer_process(void *memory, const int16_t *in, int16_t *out, size_t hops);

/* Frames since init, and how many of them a skip gate skipped. */
uint32_t cs_enhancer_frames(const void *memory);
uint32_t cs_enhancer_skipped(const void *memory);

#ifdef __cplusplus
}
#endif

#endif
