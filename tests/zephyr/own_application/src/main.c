/* SPDX-License-Identifier: Apache-2.0 */
/* The network called by itself, and then the pipeline from the input to its end. */
#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#include "audio.h"
#include "codesign_model.h"
#include "cycles.h"
#include "pipeline.h"

static uint8_t memory[CODESIGN_MODEL_MEMORY_BYTES] __aligned(8);

int main(void)
{
	int16_t in[CODESIGN_MODEL_HOP], out[CODESIGN_MODEL_HOP];
	uint32_t hash = 2166136261u; /* FNV-1a */

	if (cs_enhancer_init(&CODESIGN_MODEL, memory, sizeof(memory)) != CS_OK) {
		return 0;
	}
	for (int n = 0; n < 50 * CODESIGN_MODEL_HOP; n++) {
		in[n % CODESIGN_MODEL_HOP] = (int16_t)(n * 7919);
		if (n % CODESIGN_MODEL_HOP == CODESIGN_MODEL_HOP - 1) {
			(void)cs_enhancer_process(memory, in, out, 1);
			for (int k = 0; k < CODESIGN_MODEL_HOP; k++) {
				hash = (hash ^ (uint16_t)out[k]) * 16777619u;
			}
		}
	}
	printk("own hash=%u option=%d\n", hash, IS_ENABLED(CONFIG_OWN_OPTION));

	cycles_start();
	int err = pipeline_open();

	if (err == 0) {
		err = pipeline_start();
	}
	while (err == 0 && pipeline_wait(K_SECONDS(1)) != 0) {
	}
	printk("own end=%d\n", err);
	(void)audio_again();
	return 0;
}
