/* SPDX-License-Identifier: Apache-2.0 */
/* codesign stats|stacks|start|stop|bypass|gain|strength|program|reset on the shell; answers are lines of the console
 * protocol. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zephyr/shell/shell.h>

#include "console.h"
#include "monitor.h"
#include "pipeline.h"
#include "worker.h"

/* The shell echoes a command through its own buffer; a line of the protocol must not start in the middle of that. */
static void after_echo(void)
{
	k_msleep(20);
}

static int stats(const struct shell *sh, size_t argc, char **argv)
{
	ARG_UNUSED(sh);
	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	after_echo();
	console_state();
	console_stats();
	return 0;
}

static int stacks(const struct shell *sh, size_t argc, char **argv)
{
	ARG_UNUSED(sh);
	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	after_echo();
	console_stacks();
	return 0;
}

static int reset(const struct shell *sh, size_t argc, char **argv)
{
	ARG_UNUSED(sh);
	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	monitor_reset();
	after_echo();
	console_stats();
	return 0;
}

static int answered(const struct shell *sh, int err)
{
	after_echo();
	if (err == -EALREADY) {
		shell_error(sh, "already %s", pipeline_running() ? "running" : "stopped");
	} else if (err != 0) {
		console_error("start", err);
	}
	console_state();
	return err;
}

static int start(const struct shell *sh, size_t argc, char **argv)
{
	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	return answered(sh, pipeline_start());
}

static int stop(const struct shell *sh, size_t argc, char **argv)
{
	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	return answered(sh, pipeline_stop());
}

static int bypass(const struct shell *sh, size_t argc, char **argv)
{
	ARG_UNUSED(argc);
	if (strcmp(argv[1], "on") != 0 && strcmp(argv[1], "off") != 0) {
		shell_error(sh, "on or off, not '%s'", argv[1]);
		return -EINVAL;
	}
	pipeline_bypass(strcmp(argv[1], "on") == 0);
	after_echo();
	console_state();
	return 0;
}

static int gain(const struct shell *sh, size_t argc, char **argv)
{
	char *end;
	const long decibels = strtol(argv[1], &end, 10);

	ARG_UNUSED(argc);
	if (end == argv[1] || *end != '\0' || decibels < INT16_MIN || decibels > INT16_MAX || pipeline_gain((int)decibels) != 0) {
		shell_error(sh, "whole dB from -40 to 20, not '%s'", argv[1]);
		return -EINVAL;
	}
	return 0;
}

static int strength(const struct shell *sh, size_t argc, char **argv)
{
	char *end;
	const long percent = strtol(argv[1], &end, 10);
	const bool whole = end != argv[1] && *end == '\0' && percent >= 0 && percent <= 100;
	const int err = whole ? worker_strength((int)percent) : -EINVAL;

	ARG_UNUSED(argc);
	if (err == -ENOTSUP) {
		shell_error(sh, "the model was built without strength: give it in its chain");
	} else if (err != 0) {
		shell_error(sh, "whole percent from 0 to 100, not '%s'", argv[1]);
	}
	return err;
}

static int program(const struct shell *sh, size_t argc, char **argv)
{
	char *end;
	const long number = strtol(argv[1], &end, 10);
	const bool whole = end != argv[1] && *end == '\0' && number >= 0 && number <= INT16_MAX;
	const int err = whole ? worker_program((int)number) : -EINVAL;

	ARG_UNUSED(argc);
	if (err == -ENOTSUP) {
		shell_error(sh, "the model was built without programs: give them in its chain");
	} else if (err != 0) {
		shell_error(sh, "no program '%s'", argv[1]);
	}
	return err;
}

SHELL_STATIC_SUBCMD_SET_CREATE(commands,
			       SHELL_CMD_ARG(stats, NULL, "what happened since the last reset", stats, 1, 0),
			       SHELL_CMD_ARG(stacks, NULL, "stack use of every thread", stacks, 1, 0),
			       SHELL_CMD_ARG(start, NULL, "start the audio", start, 1, 0),
			       SHELL_CMD_ARG(stop, NULL, "stop the audio", stop, 1, 0),
			       SHELL_CMD_ARG(bypass, NULL, "on|off: play the delayed input", bypass, 2, 0),
			       SHELL_CMD_ARG(gain, NULL, "output gain in dB, -40 to 20", gain, 2, 0),
			       SHELL_CMD_ARG(strength, NULL, "how much is done to the sound, 0 to 100 %", strength, 2, 0),
			       SHELL_CMD_ARG(program, NULL, "which program is heard, 0 for the first", program, 2, 0),
			       SHELL_CMD_ARG(reset, NULL, "counters to zero", reset, 1, 0), SHELL_SUBCMD_SET_END);
SHELL_CMD_REGISTER(codesign, &commands, "speech enhancement", NULL);
