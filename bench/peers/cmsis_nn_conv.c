/* SPDX-License-Identifier: Apache-2.0 */
/* CMSIS-NN's int16 convolutions over [time, frequency, channels], called as its documentation says; the library comes from
 * the user's own checkout. */
#include "arm_nnfunctions.h"

/* Of time and of frequency; weights as CMSIS-NN has them, constants by output channel. */
typedef struct peer_conv {
    int32_t depthwise, inputs, outputs, channels; /* inputs of a group; channels of the source */
    int32_t taps[2], stride[2], dilation[2], padding[2], source[2], results[2];
    const int8_t *weights;
    const int32_t *bias;
    const int64_t *wide_bias; /* of the depthwise layer */
    const int32_t *multiplier, *shift;
} peer_conv;

int32_t peer_conv_step(const peer_conv *layer, const int16_t *x, int16_t *y, void *scratch, int32_t scratch_bytes);

int32_t peer_conv_step(const peer_conv *layer, const int16_t *x, int16_t *y, void *scratch, int32_t scratch_bytes)
{
    const cmsis_nn_context context = {scratch, scratch_bytes};
    const cmsis_nn_per_channel_quant_params quantization = {(int32_t *)layer->multiplier, (int32_t *)layer->shift};
    const cmsis_nn_tile stride = {layer->stride[1], layer->stride[0]}, padding = {layer->padding[1], layer->padding[0]};
    const cmsis_nn_tile dilation = {layer->dilation[1], layer->dilation[0]};
    const cmsis_nn_activation activation = {-32768, 32767};
    const cmsis_nn_dims source = {1, layer->source[0], layer->source[1], layer->channels};
    const cmsis_nn_dims results = {1, layer->results[0], layer->results[1], layer->outputs};
    const cmsis_nn_dims constants = {1, 1, 1, layer->outputs};

    if (layer->depthwise) {
        const cmsis_nn_dw_conv_params params = {0, 0, 1, stride, padding, dilation, activation};
        const cmsis_nn_dims filter = {1, layer->taps[0], layer->taps[1], layer->outputs};

        if (arm_depthwise_conv_wrapper_s16_get_buffer_size(&params, &source, &filter, &results) > scratch_bytes) {
            return -1;
        }
        return arm_depthwise_conv_wrapper_s16(&context, &params, &quantization, &source, x, &filter, layer->weights, &constants,
                                              layer->wide_bias, &results, y);
    }
    const cmsis_nn_conv_params params = {0, 0, stride, padding, dilation, activation};
    const cmsis_nn_dims filter = {layer->outputs, layer->taps[0], layer->taps[1], layer->inputs};
    const cmsis_nn_bias_data bias = {layer->bias, true};

    if (arm_convolve_wrapper_s16_get_buffer_size(&params, &source, &filter, &results) > scratch_bytes) {
        return -1;
    }
    return arm_convolve_wrapper_s16(&context, &params, &quantization, &source, x, &filter, layer->weights, &constants, &bias,
                                    &results, y);
}
