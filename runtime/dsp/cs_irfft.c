/* Inverse real FFT: the split undone, then the forward complex FFT of the bins in reversed order, which is the inverse. */
#include "cs_complex_fft.h"
#include "float32.h"

/* x: n/2 + 1 bins; z: n/2 points, bin k at position n/2 - k; z may be x. Imaginary parts of bins 0 and n/2 are ignored. */
static void merge(const cs_fft *fft, const float *x, float *z)
{
    const uint32_t n = fft->n;
    const float scale = 1.0f / (float)n, twice = 2.0f * scale; /* powers of two */
    const float *t = fft->split, *up = x + 2, *down = x + n - 2;
    float *z_up = z + 2, *z_down = z + n - 2;
    const float first = x[0], last = x[n];
    z[0] = (first + last) * scale;
    z[1] = (first - last) * scale;
    for (; up != down; up += 2, down -= 2, z_up += 2, z_down -= 2, t += 2) {
        const float a_re = up[0], a_im = up[1], b_re = down[0], b_im = down[1];
        const float even_re = (a_re + b_re) * scale, even_im = (a_im - b_im) * scale;
        const float odd_re = (a_re - b_re) * twice, odd_im = (a_im + b_im) * twice;
        const float turned_re = odd_im * t[0] - odd_re * t[1];
        const float turned_im = odd_re * t[0] + odd_im * t[1];
        z_down[0] = even_re - turned_re;
        z_down[1] = even_im + turned_im;
        z_up[0] = even_re + turned_re;
        z_up[1] = turned_im - even_im;
    }
    const float re = up[0] * twice, im = up[1] * twice;
    z_up[0] = re;
    z_up[1] = -im;
}

void cs_irfft(const cs_fft *fft, float *data, float *work)
{
    /* Start where an even or odd number of stages ends in `data`. */
    const int swaps = cs_complex_fft_swaps(fft);
    float *start = swaps ? work : data;
    merge(fft, data, start);
    cs_complex_fft(fft, start, swaps ? data : work);
}
