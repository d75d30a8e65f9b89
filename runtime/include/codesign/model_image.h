/* SPDX-License-Identifier: Apache-2.0 */
/* A network in a partition of its own: header, then its code and constants, linked to run where they lie.
 *
 * Firmware calls it through the table and nothing else, so that either can be updated without the other. docs/update.md.
 */
#ifndef CODESIGN_MODEL_IMAGE_H
#define CODESIGN_MODEL_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CS_MODEL_IMAGE_MAGIC  0x31444D43u /* "CMD1", little-endian */
#define CS_MODEL_IMAGE_LAYOUT 2u          /* of the header and of the table: a change of either raises it */
#define CS_MODEL_IMAGE_HEAD   256u        /* bytes in front of the code */

/* What an enhancer is asked. Null where the model's chain does not have it. */
typedef struct cs_model_table {
    int (*init)(void *memory, size_t size); /* 0, else the memory was refused */
    int (*process)(void *memory, const int16_t *in, int16_t *out);
    uint32_t (*frames)(const void *memory);
    uint32_t (*skipped)(const void *memory);
    void (*play)(void *memory, const int16_t *in, int16_t *out, int16_t *heard, uint32_t n); /* the filter path's three */
    int (*update)(void *memory, const int16_t *heard);
    uint32_t (*held)(const void *memory);
    void (*set_strength)(void *memory, uint32_t percent);
    void (*set_program)(void *memory, uint32_t program);
    uint32_t programs;
} cs_model_table;

/* What must be the same in the firmware: its buffers, threads and limits were made for it. Of the device; heard: samples that
 * `update` takes, 0 without a filter path. */
typedef struct cs_model_shape {
    uint32_t sample_rate, channels, hop, block, latency, lag, heard, peak;
    char core[16]; /* the kernel and the front end's arithmetic: "dsp float32" */
} cs_model_shape;

/* All little-endian, without gaps. Texts end with a zero. */
typedef struct cs_model_image {
    uint32_t magic, layout;
    uint32_t address;    /* of this header, for which the image is linked */
    uint32_t body;       /* bytes after the header */
    uint32_t body_check; /* CRC-32 of them */
    uint32_t table;      /* address of the cs_model_table */
    uint32_t generation; /* the newest is run: given when it is written */
    uint32_t memory, stack; /* bytes that it needs at most */
    cs_model_shape shape;
    char name[32], version[16];
    uint8_t sha[32];   /* SHA-256 of the model file */
    uint8_t chain[32]; /* and of the generated sources: network, chain, and how they were lowered */
    uint8_t unused[56];
    uint32_t check; /* CRC-32 of all before it */
} cs_model_image;

#ifdef __cplusplus
}
#endif

#endif
