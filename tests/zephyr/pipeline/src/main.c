/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline against a fake I2S device: what it plays, what it counts, and that it comes back from every fault. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zephyr/ztest.h>

#include "fake_i2s.h"
#include "monitor.h"
#include "output.h"
#include "pipeline.h"
#include "slow_enhancer.h"

#define HOP    CODESIGN_MODEL_HOP
#define PRIMED CONFIG_CODESIGN_PRIMED_BLOCKS
#define LATE_BLOCKS (CODESIGN_MODEL_LATENCY / AUDIO_BLOCK) /* the hop divides the window */

static void run_hops(uint32_t hops)
{
	(void)k_usleep((int32_t)(hops * AUDIO_BLOCK_US));
}

static uint32_t count(enum monitor_event event)
{
	return monitor_read().events[event];
}

/* Every captured block was played in one of four ways. Stops the pipeline, which may be between the two counts. */
static void check_accounts(void)
{
	(void)pipeline_stop();
	const struct monitor_counts c = monitor_read();

	zassert_equal(c.captured, c.events[MONITOR_ENHANCED] + c.events[MONITOR_BYPASSED] + c.events[MONITOR_LATE] +
					  c.events[MONITOR_BUSY]);
}

static void before(void *fixture)
{
	ARG_UNUSED(fixture);
	fake = (struct fake_i2s){0};
	slow_frames = 0;
	pipeline_bypass(false);
	zassert_ok(pipeline_gain(0));
	zassert_ok(pipeline_start());
	monitor_reset();
}

static void after(void *fixture)
{
	ARG_UNUSED(fixture);
	(void)pipeline_stop();
	zassert_equal(audio_blocks_in_use(), 0, "a block leaked");
}

static void *setup(void)
{
	zassert_ok(pipeline_open());
	return NULL;
}

/* What the enhancer makes of everything that the device captured, from the first block on; compares the latest blocks. */
static void check_enhanced(uint32_t blocks)
{
	static uint8_t memory[CODESIGN_MODEL_MEMORY_BYTES] __aligned(8);
	int16_t expected[HOP];

	zassert_true(blocks < FAKE_HISTORY);
	zassert_equal(cs_enhancer_init(&CODESIGN_MODEL, memory, sizeof(memory)), CS_OK);
	for (uint32_t n = 0; n + PRIMED < fake.played && n < blocks; n++) {
		zassert_equal(__real_cs_enhancer_process(memory, fake.in[n], expected, 1), CS_OK);
		zassert_mem_equal(fake.out[n + PRIMED], expected, sizeof(expected), "block %u", n);
	}
}

ZTEST(pipeline, test_plays_what_the_enhancer_makes)
{
	const int16_t silence[HOP] = {0};

	run_hops(40);
	(void)pipeline_stop();
	zassert_true(fake.played >= 38);
	for (int n = 0; n < PRIMED; n++) {
		zassert_mem_equal(fake.out[n], silence, sizeof(silence), "primed block %d", n);
	}
	check_enhanced(38);
	check_accounts();
	zassert_equal(count(MONITOR_ENHANCED), monitor_read().captured);
	zassert_equal(count(MONITOR_RESTART), 0);
}

ZTEST(pipeline, test_silence_and_full_scale)
{
	const int16_t silence[HOP] = {0};

	fake.input = FAKE_SILENCE;
	run_hops(20);
	zassert_mem_equal(fake.out[15], silence, sizeof(silence));
	fake.input = FAKE_SQUARE;
	run_hops(30);
	(void)pipeline_stop();
	check_enhanced(48);
	check_accounts();
}

ZTEST(pipeline, test_output_that_runs_dry_restarts)
{
	run_hops(10);
	fake.tx_lost = true;
	run_hops(10);
	zassert_equal(fake.starts, 2);
	zassert_equal(count(MONITOR_RESTART), 1);
	zassert_equal(count(MONITOR_UNDERRUN) + count(MONITOR_OVERRUN), 1);
	const uint32_t enhanced = count(MONITOR_ENHANCED);

	run_hops(10);
	zassert_true(count(MONITOR_ENHANCED) >= enhanced + 9, "the audio goes on");
	check_accounts();
}

ZTEST(pipeline, test_input_without_a_free_block_restarts)
{
	run_hops(10);
	fake.rx_blocked = true;
	run_hops(10);
	zassert_equal(fake.starts, 2);
	zassert_equal(count(MONITOR_RESTART), 1);
	check_accounts();
}

ZTEST(pipeline, test_write_error_is_an_underrun)
{
	run_hops(10);
	fake.write_error = -EIO;
	run_hops(10);
	zassert_equal(count(MONITOR_UNDERRUN), 1);
	zassert_equal(count(MONITOR_UNPLAYED), 1);
	zassert_equal(count(MONITOR_RESTART), 1);
	check_accounts();
}

ZTEST(pipeline, test_stopped_clock_is_a_stall_and_ends)
{
	run_hops(10);
	fake.clock_stopped = true;
	run_hops(12);
	zassert_true(count(MONITOR_STALL) >= 2);
	fake.clock_stopped = false;
	const uint32_t captured = monitor_read().captured;

	run_hops(20);
	zassert_true(monitor_read().captured >= captured + 15);
	check_accounts();
}

ZTEST(pipeline, test_failing_starts_are_tried_again)
{
	run_hops(5);
	fake.start_errors = 3;
	fake.write_error = -EIO;
	run_hops(15);
	zassert_equal(fake.start_errors, 0);
	zassert_equal(count(MONITOR_RESTART), 1);
	check_accounts();
}

ZTEST(pipeline, test_first_start_that_fails_says_so)
{
	(void)pipeline_stop();
	fake.start_errors = 1;
	zassert_equal(pipeline_start(), -EIO);
	zassert_false(pipeline_running());
	zassert_equal(audio_blocks_in_use(), 0);
	zassert_ok(pipeline_start());
}

ZTEST(pipeline, test_slow_frame_plays_the_delayed_input)
{
	run_hops(10);
	slow_frames = 1;
	run_hops(15);
	(void)pipeline_stop();
	zassert_equal(count(MONITOR_LATE), 1);
	zassert_between_inclusive(count(MONITOR_BUSY), 1, 2);
	zassert_equal(count(MONITOR_UNDERRUN), 0, "the audio never waited");
	zassert_equal(count(MONITOR_RESTART), 0);
	zassert_equal(fake.starts, 1);
	check_accounts();

	uint32_t dry = 0;

	for (uint32_t n = PRIMED + LATE_BLOCKS + 1; n < fake.played; n++) {
		dry += memcmp(fake.out[n], fake.in[n - PRIMED - LATE_BLOCKS], sizeof(fake.out[n])) == 0;
	}
	zassert_equal(dry, count(MONITOR_LATE) + count(MONITOR_BUSY));
}

ZTEST(pipeline, test_bypass_plays_the_delayed_input)
{
	run_hops(10);
	pipeline_bypass(true);
	run_hops(10);
	const uint32_t last = fake.played - 1;

	zassert_mem_equal(fake.out[last], fake.in[last - PRIMED - LATE_BLOCKS], sizeof(fake.out[0]));
	zassert_true(count(MONITOR_BYPASSED) >= 8);
	pipeline_bypass(false);
	run_hops(10);
	check_accounts();
}

ZTEST(pipeline, test_gain)
{
	fake.input = FAKE_SQUARE;
	pipeline_bypass(true);
	zassert_ok(pipeline_gain(-20));
	run_hops(12);
	zassert_within(abs(fake.out[10][HOP / 2]), 3277, 8); /* 0.02 dB */
	zassert_ok(pipeline_gain(20));
	run_hops(6);
	const uint32_t last = fake.played - 1;

	zassert_true(abs(fake.out[last % FAKE_HISTORY][HOP / 2]) >= INT16_MAX, "saturates, never wraps");
	zassert_equal(pipeline_gain(21), -EINVAL);
	zassert_equal(pipeline_gain(-41), -EINVAL);
}

ZTEST(pipeline, test_a_hundred_starts_and_stops)
{
	zassert_equal(pipeline_start(), -EALREADY);
	for (int n = 0; n < 100; n++) {
		zassert_ok(pipeline_stop());
		zassert_equal(pipeline_stop(), -EALREADY);
		zassert_equal(audio_blocks_in_use(), 0, "a block leaked in stop %d", n);
		zassert_ok(pipeline_start());
		run_hops((uint32_t)n % 4);
	}
	run_hops(5);
	check_accounts();
	zassert_equal(count(MONITOR_STALL) + count(MONITOR_OVERRUN), 0);
}

ZTEST(pipeline, test_ten_minutes_without_drift_or_leak)
{
	const uint32_t hops = (uint32_t)(600ull * 1000000ull / AUDIO_BLOCK_US);
	const uint32_t in_use = audio_blocks_in_use();

	for (int minute = 0; minute < 10; minute++) {
		run_hops(hops / 10);
		zassert_within(audio_blocks_in_use(), in_use, 3);
	}
	check_accounts();
	const struct monitor_counts c = monitor_read();

	zassert_within(c.captured, hops, 2);
	zassert_equal(c.events[MONITOR_ENHANCED], c.captured);
	zassert_within(fake.played, fake.captured, 1);
}

ZTEST_SUITE(pipeline, NULL, setup, before, after, NULL);
