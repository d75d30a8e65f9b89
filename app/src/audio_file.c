/* SPDX-License-Identifier: Apache-2.0 */
/* PCM from a file and to a file, for machines without I2S: the file functions are the debugger's or the host's. */
#include <errno.h>
#include <string.h>
#include <zephyr/kernel.h>

#include "audio.h"
#include "host_file.h"

#ifdef CONFIG_CODESIGN_AUDIO_SEMIHOST
const char audio_backend[] = "semihost";
#else
const char audio_backend[] = "host";
#endif

static audio_slot memory[AUDIO_BLOCK * AUDIO_SLOTS];
static long input = -1, output = -1;
static uint32_t in_use;

int audio_open(void)
{
	return 0;
}

int audio_start(void)
{
	input = host_open(CONFIG_CODESIGN_FILE_IN, false);
	output = host_open(CONFIG_CODESIGN_FILE_OUT, true);
	if (input < 0 || output < 0) {
		audio_stop();
		return -ENOENT;
	}
	return 0;
}

int audio_read(audio_slot **block)
{
	const long got = host_read(input, memory, sizeof(memory));

	if (got <= 0) {
		return got < 0 ? -EIO : -ENODATA;
	}
	/* A file ends where it likes: what is missing from its last block is silence. */
	memset((uint8_t *)memory + got, 0, sizeof(memory) - (size_t)got);
	*block = memory;
	in_use = 1;
	return 0;
}

int audio_write(audio_slot *block)
{
	in_use = 0;
	return host_write(output, block, sizeof(memory)) == sizeof(memory) ? 0 : -EIO;
}

void audio_drop(audio_slot *block)
{
	ARG_UNUSED(block);
	in_use = 0;
}

void audio_stop(void)
{
	if (input >= 0) {
		host_close(input);
	}
	if (output >= 0) {
		host_close(output);
	}
	input = output = -1;
}

uint32_t audio_blocks_in_use(void)
{
	return in_use;
}

void audio_mute(void)
{
}

uint32_t audio_rate_mhz(void)
{
	return 0;
}

bool audio_again(void)
{
	host_exit();
	return false;
}
