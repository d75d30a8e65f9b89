/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline with its presets over the air: enhancement goes on whatever Bluetooth does, in threads of higher priority. */
#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#include "console.h"
#include "cycles.h"
#include "has.h"
#include "pipeline.h"

int main(void)
{
	cycles_start();
	console_ready();
	int err = pipeline_open();

	if (err == 0) {
		err = pipeline_start();
	}
	if (err != 0) {
		console_error("audio", err);
	}
	err = has_start();
	if (err != 0) { /* heard all the same */
		printk("bluetooth: %d\n", err);
	}
	console_state();
	while (pipeline_wait(K_SECONDS(10)) != 0) {
		console_stats();
	}
	return 0;
}
