/* SPDX-License-Identifier: Apache-2.0 */
/* Speech enhancement between a microphone and a receiver.
 *
 *     audio_read ─► slots_to_pcm ─► worker_process ─► output_render ─► pcm_to_slots ─► audio_write
 *     (audio_*.c)                   (enhancer thread)  (dry or not)                    (audio_*.c)
 *
 * The audio thread (pipeline.c) moves one block a hop through this line and waits for the enhancer until the deadline;
 * then the delayed input is played instead. The monitor counts, the console and the shell tell.
 */
#include <errno.h>
#include <zephyr/kernel.h>

#include "audio.h"
#include "console.h"
#include "cycles.h"
#include "pipeline.h"
#include "safety.h"

#define STATS_EVERY (CONFIG_CODESIGN_STATS_SECONDS > 0 ? K_SECONDS(CONFIG_CODESIGN_STATS_SECONDS) : K_FOREVER)

/* From the first block to the end of the input. `err` is what opening the audio gave. */
static void run(int err)
{
	if (err == 0 && IS_ENABLED(CONFIG_CODESIGN_AUTOSTART)) {
		err = pipeline_start();
	}
	if (err != 0 && err != -ENODATA) {
		console_error(audio_backend, err);
		return;
	}
	if (err == 0) {
		if (IS_ENABLED(CONFIG_CODESIGN_AUDIO_SERIAL)) { /* for who came now */
			console_ready();
		}
		console_state();
		while (pipeline_wait(STATS_EVERY) != 0) {
			console_stats();
		}
	}
	console_stats();
	console_stacks();
}

int main(void)
{
	cycles_start();

	int err = safety_start();

	console_ready();
	console_boot();
	if (err != 0) { /* heard all the same, but not without a word */
		console_error("watchdog", err);
	}
	err = pipeline_open();

	do {
		run(err);
		console_end();
	} while (audio_again());
	return 0;
}
