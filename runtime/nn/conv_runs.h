/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions whose patches are runs of one staged copy of the source, channels last: what cs_conv_runs_s16.c calls. */
#ifndef CODESIGN_NN_CONV_RUNS_H
#define CODESIGN_NN_CONV_RUNS_H

#include <stdint.h>

#define CS_RUN_WIDE 6u

/* Rows of a group, and the patches that they are multiplied with. */
typedef struct cs_conv_run_rows {
    const void *weights;
    const int32_t *constants;
    uint32_t rows, vectors; /* vectors of eight columns, at most 6; CS_RUN_WIDE more where weights are int16 */
    const int16_t *patches; /* the first patch */
    uint32_t patch;         /* bytes from one to the next */
    int32_t *acc;           /* of three rows; a word before them is written, fifteen after them are read */
    uint32_t first, count;  /* results of each row, and how many of them */
    int16_t *y;
    uint32_t y_step; /* elements from a result to the next */
} cs_conv_run_rows;

/* Assembly: results of all rows. */
void cs_conv_runs(const cs_conv_run_rows *run);

/* Assembly: `count` (not 0) elements of each channel's row to places `pitch` apart, of the next channel one element on; `apart`: bytes
 * from a channel's row to the next. */
void cs_stage_rows(const int16_t *x, int16_t *to, uint32_t count, uint32_t pitch, uint32_t channels, uint32_t apart);

/* Assembly: `count` zeros. */
void cs_stage_zeros(int16_t *to, uint32_t count);

#endif
