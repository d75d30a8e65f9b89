/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <zephyr/fatal.h>
#include <zephyr/kernel.h>
#include <zephyr/linker/section_tags.h>
#include <zephyr/sys/reboot.h>

#include "audio.h"
#include "compat.h"
#include "safety.h"

enum cause {
	CAUSE_UNKNOWN,
	CAUSE_FAULT,
	CAUSE_WATCHDOG,
};

/* Never zeroed. After power comes the check value is wrong by all likelihood, and everything begins at zero. */
static __noinit struct kept {
	struct safety_record record;
	uint32_t cause; /* of the reset to come */
	uint32_t check;
} kept;

/* FNV-1a: memory that lost its power is not taken for counts. */
static uint32_t check_value(void)
{
	const uint8_t *bytes = (const uint8_t *)&kept;
	uint32_t value = 2166136261u;

	for (size_t n = 0; n < offsetof(struct kept, check); n++) {
		value = (value ^ bytes[n]) * 16777619u;
	}
	return value;
}

static void note(enum cause cause)
{
	kept.cause = cause;
	kept.check = check_value();
}

static void count_boot(void)
{
	struct safety_record *record = &kept.record;

	if (kept.check != check_value()) {
		*record = (struct safety_record){0};
	} else if (kept.cause == CAUSE_FAULT) {
		record->faults++;
		record->in_a_row++;
	} else if (kept.cause == CAUSE_WATCHDOG) {
		record->watchdogs++;
		record->in_a_row++;
	} else {
		record->others++;
		record->in_a_row = 0;
	}
	record->boots++;
	note(CAUSE_UNKNOWN);
}

void safety_settled(void)
{
	kept.record.in_a_row = 0;
	note(CAUSE_UNKNOWN);
}

struct safety_record safety_read(void)
{
	return kept.record;
}

/* In the place of Zephyr's, which halts with the DMA still at its last buffer: a buzz for ever. */
void k_sys_fatal_error_handler(unsigned int reason, const fault_frame *frame)
{
	(void)irq_lock();
	audio_mute();
	kept.record.reason = reason;
	kept.record.pc = fault_pc(frame);
	note(CAUSE_FAULT);
	sys_reboot(SYS_REBOOT_COLD);
}

#ifdef CONFIG_CODESIGN_WATCHDOG

#include <zephyr/drivers/watchdog.h>

static const struct device *const dog = DEVICE_DT_GET(DT_ALIAS(watchdog0));
static int channel = -1;

/* Just before the reset, where the hardware gives time for it. */
static void barks(const struct device *device, int which)
{
	ARG_UNUSED(device);
	ARG_UNUSED(which);
	audio_mute();
	note(CAUSE_WATCHDOG);
}

void safety_alive(void)
{
	if (channel >= 0) {
		(void)wdt_feed(dog, channel);
	}
}

static int start_watchdog(void)
{
	struct wdt_timeout_cfg timeout = {
		.window = {.max = CONFIG_CODESIGN_WATCHDOG_MS},
		.callback = barks,
		.flags = WDT_FLAG_RESET_SOC,
	};

	if (!device_is_ready(dog)) {
		return -ENODEV;
	}
	channel = wdt_install_timeout(dog, &timeout);
	if (channel == -ENOTSUP) { /* resets without a word */
		timeout.callback = NULL;
		channel = wdt_install_timeout(dog, &timeout);
	}
	return channel < 0 ? channel : wdt_setup(dog, WDT_OPT_PAUSE_HALTED_BY_DBG);
}

#else

static int start_watchdog(void)
{
	return 0;
}

#endif

int safety_start(void)
{
	count_boot();
	return start_watchdog();
}
