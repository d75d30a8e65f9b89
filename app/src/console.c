#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#include "audio.h"
#include "console.h"
#include "cycles.h"
#include "monitor.h"
#include "pipeline.h"
#include "worker.h"

#define LINE "@codesign 1 "

static uint32_t deadline_cycles(void)
{
	return (uint32_t)((uint64_t)cycles_hz() * AUDIO_HOP_US * CONFIG_CODESIGN_DEADLINE_PERCENT / 100000000u);
}

void console_ready(void)
{
	printk(LINE "ready model=" CODESIGN_MODEL_ID " sha=" CODESIGN_MODEL_SHA " rate=%d hop=%d latency=%d audio=%s slots=%d "
		    "bits=%d primed=%d clock=%s hz=%u deadline=%u\n",
	       CODESIGN_MODEL_SAMPLE_RATE, CODESIGN_MODEL_HOP, CODESIGN_MODEL_LATENCY, audio_backend, AUDIO_SLOTS,
	       (int)(8 * sizeof(audio_slot)), CONFIG_CODESIGN_PRIMED_BLOCKS, cycles_source, cycles_hz(), deadline_cycles());
}

void console_state(void)
{
	printk(LINE "state running=%d bypass=%d\n", pipeline_running(), pipeline_bypassed());
}

void console_stats(void)
{
	const struct monitor_counts counts = monitor_read();
	const uint64_t frames = MAX(counts.frames, 1);

	printk(LINE "stats captured=%u frames=%u skipped=%u worst=%u worst_frame=%u average=%u elapsed=%llu", counts.captured,
	       counts.frames, worker_skipped(), counts.worst_cycles, counts.worst_frame,
	       (uint32_t)(counts.total_cycles / frames), counts.elapsed_cycles);
	for (int event = 0; event < MONITOR_EVENTS; event++) {
		printk(" %s=%u", monitor_names[event], counts.events[event]);
	}
	printk(" blocks=%u\n", audio_blocks_in_use());
}

static void print_stack(const struct k_thread *thread, void *context)
{
	size_t unused;

	ARG_UNUSED(context);
	if (k_thread_stack_space_get(thread, &unused) == 0) {
		const size_t size = thread->stack_info.size;

		printk(LINE "stack thread=%s used=%u size=%u\n", k_thread_name_get((k_tid_t)thread), (uint32_t)(size - unused),
		       (uint32_t)size);
	}
}

void console_stacks(void)
{
	/* Threads of a native image run on the host's stacks. */
	if (!IS_ENABLED(CONFIG_ARCH_POSIX)) {
		k_thread_foreach_unlocked(print_stack, NULL);
	}
}

void console_error(const char *what, int err)
{
	printk(LINE "error what=%s errno=%d\n", what, -err);
}

void console_end(void)
{
	printk(LINE "end\n");
}
