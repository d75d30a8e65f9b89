/* SPDX-License-Identifier: Apache-2.0 */
/* PDM microphones as the input, by Zephyr's DMIC API: the device behind the devicetree alias `codesign-dmic`.
 *
 * A block holds AUDIO_BLOCK samples of AUDIO_SLOTS channels, interleaved, left first.
 */
#ifndef CODESIGN_APP_MICROPHONES_H
#define CODESIGN_APP_MICROPHONES_H

#include <stdint.h>

/* Configure the device, once. 0 or a negative errno. */
int microphones_open(void);

/* Start, or start again. 0 or a negative errno. */
int microphones_start(void);

/* The next block, the caller's until microphones_drop(). 0 or -EAGAIN when nothing came. */
int microphones_read(int16_t **block);

void microphones_drop(int16_t *block);

/* Stop and forget what nobody has read. */
void microphones_stop(void);

uint32_t microphones_blocks_in_use(void);

#endif
