/* SPDX-License-Identifier: Apache-2.0 */
#include <zephyr/kernel.h>

#include "cycles.h"
#include "monitor.h"

const char *const monitor_names[MONITOR_EVENTS] = {
	[MONITOR_ENHANCED] = "enhanced", [MONITOR_BYPASSED] = "bypassed", [MONITOR_LATE] = "late",
	[MONITOR_BUSY] = "busy",         [MONITOR_UNPLAYED] = "unplayed", [MONITOR_UNDERRUN] = "underruns",
	[MONITOR_OVERRUN] = "overruns",  [MONITOR_STALL] = "stalls",      [MONITOR_RESTART] = "restarts",
};

static struct monitor_counts counts;
static uint32_t captured_at;
static struct k_spinlock lock;

void monitor_reset(void)
{
	const k_spinlock_key_t key = k_spin_lock(&lock);

	counts = (struct monitor_counts){0};
	k_spin_unlock(&lock, key);
}

void monitor_captured(void)
{
	const uint32_t now = cycles_now();
	const k_spinlock_key_t key = k_spin_lock(&lock);

	if (counts.captured > 0) {
		counts.elapsed_cycles += now - captured_at;
	}
	captured_at = now;
	counts.captured++;
	k_spin_unlock(&lock, key);
}

void monitor_count(enum monitor_event event)
{
	const k_spinlock_key_t key = k_spin_lock(&lock);

	counts.events[event]++;
	k_spin_unlock(&lock, key);
}

void monitor_frame(uint32_t cycles)
{
	const k_spinlock_key_t key = k_spin_lock(&lock);

	if (cycles > counts.worst_cycles) {
		counts.worst_cycles = cycles;
		counts.worst_frame = counts.frames;
	}
	counts.total_cycles += cycles;
	counts.frames++;
	k_spin_unlock(&lock, key);
}

void monitor_block(uint32_t cycles)
{
	const k_spinlock_key_t key = k_spin_lock(&lock);

	counts.worst_block_cycles = MAX(cycles, counts.worst_block_cycles);
	counts.block_cycles += cycles;
	k_spin_unlock(&lock, key);
}

struct monitor_counts monitor_read(void)
{
	const k_spinlock_key_t key = k_spin_lock(&lock);
	const struct monitor_counts copy = counts;

	k_spin_unlock(&lock, key);
	return copy;
}
