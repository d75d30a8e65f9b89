/* SPDX-License-Identifier: Apache-2.0 */
/* AUDIO_BLOCK: samples that audio comes and goes in, a hop or the filter path's block, by the model or the configuration. */
#ifndef CODESIGN_APP_BLOCK_H
#define CODESIGN_APP_BLOCK_H

#include <zephyr/toolchain.h>

#include "codesign_model.h"

#if defined(CONFIG_CODESIGN_BLOCK) && CONFIG_CODESIGN_BLOCK > 0
#define AUDIO_BLOCK CONFIG_CODESIGN_BLOCK
#else
#define AUDIO_BLOCK CODESIGN_MODEL_BLOCK
#endif

BUILD_ASSERT(AUDIO_BLOCK % CODESIGN_MODEL_RESAMPLE == 0, "the block must be a multiple of the chain's resample");
#ifdef CODESIGN_MODEL_LAG
BUILD_ASSERT(CODESIGN_MODEL_HOP % AUDIO_BLOCK == 0, "the block must divide the hop: choose another CONFIG_CODESIGN_BLOCK");
#else
BUILD_ASSERT(AUDIO_BLOCK == CODESIGN_MODEL_HOP, "CONFIG_CODESIGN_BLOCK is of the filter path: a model of frames has hops");
#endif

#endif
