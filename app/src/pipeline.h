/* SPDX-License-Identifier: Apache-2.0 */
/* Capture, enhance, play: the thread that moves the audio. It waits for the enhancer no longer than the deadline. */
#ifndef CODESIGN_APP_PIPELINE_H
#define CODESIGN_APP_PIPELINE_H

#include <stdbool.h>
#include <zephyr/kernel.h>

/* Prepare the audio device. 0 or a negative errno. */
int pipeline_open(void);

/* Start from fresh states and silence. -EALREADY when it runs, or what the audio device says. */
int pipeline_start(void);

/* Stop, with no block left behind. -EALREADY when it stands still. */
int pipeline_stop(void);

bool pipeline_running(void);

/* Play the delayed input; the network goes on, so that the way back has no transient. */
void pipeline_bypass(bool bypass);
bool pipeline_bypassed(void);

/* Gain of the output in whole dB, -40 ... 20, else -EINVAL. */
int pipeline_gain(int decibels);

/* 0 at the end of the input, -EAGAIN after `timeout` without it. Streams do not end, files do. */
int pipeline_wait(k_timeout_t timeout);

#endif
