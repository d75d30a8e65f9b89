/* SPDX-License-Identifier: Apache-2.0 */
/* Where audio comes from and goes to: one backend is linked in (I2S, files through a debugger or of the host,
 * frames over the console).
 *
 * Blocks hold AUDIO_BLOCK samples of interleaved little-endian slots as CONFIG_CODESIGN_STEREO and CONFIG_CODESIGN_SLOT_* say.
 * A block that audio_read() gives belongs to the caller until audio_write() or audio_drop() takes it.
 */
#ifndef CODESIGN_APP_AUDIO_H
#define CODESIGN_APP_AUDIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "block.h"
#include "line.h"

/* A beamformer has a microphone in each slot. */
#if defined(CONFIG_CODESIGN_STEREO) || CODESIGN_MODEL_CHANNELS == 2
#define AUDIO_SLOTS 2
#else
#define AUDIO_SLOTS 1
#endif

#ifdef CONFIG_CODESIGN_SLOT_32
typedef int32_t audio_slot;
#else
typedef int16_t audio_slot;
#endif

#define AUDIO_BLOCK_BYTES (AUDIO_BLOCK * AUDIO_SLOTS * sizeof(audio_slot))
#define AUDIO_BLOCK_US ((uint32_t)(AUDIO_BLOCK * 1000000ull / CODESIGN_MODEL_SAMPLE_RATE))

extern const char audio_backend[]; /* its name on the console */

/* Find and configure the device, once. 0 or a negative errno. */
int audio_open(void);

/* Prime the output with silence and start both directions. 0 or a negative errno, with nothing left running. */
int audio_start(void);

/* The next captured block. 0; -ENODATA at the end of a file; -EIO when the stream stopped; -EAGAIN when nothing came. */
int audio_read(audio_slot **block);

/* Queue a block for playback. 0, or -EIO when the stream stopped or ran dry; the block is taken in either case. */
int audio_write(audio_slot *block);

/* Give a block back unplayed. */
void audio_drop(audio_slot *block);

/* Stop both directions and empty the queues. */
void audio_stop(void);

/* Blocks that nobody has returned, for the leak check: 0 after audio_stop(). */
uint32_t audio_blocks_in_use(void);

/* Silence at once, from a fault or an interrupt: no driver, no kernel. A reset must follow. */
void audio_mute(void);

/* The sample rate that the device really makes, in mHz, once it was started; 0 where nothing tells. */
uint32_t audio_rate_mhz(void);

/* After the end of an input: whether another may come. Where audio is files, the emulator or the process ends instead. */
bool audio_again(void);

#ifdef CONFIG_CODESIGN_AUDIO_SERIAL
/* Wait for who brings the audio. 0; -ENODATA when they ask for the end of the last run again. */
int audio_await(void);

/* Add to the line `ready` who brings the audio, and the check value of the whole image in flash. */
void audio_ready(struct line *line);
#else
static inline int audio_await(void)
{
	return 0;
}

static inline void audio_ready(struct line *line)
{
	(void)line;
}
#endif

#endif
