/* The meter that one writes first: frame by frame, and for each frame all pairs of channels. */
#include <math.h>
#include <stdint.h>

#define CHANNELS 256

/* All arrays have one element for each channel, but products, which has channels * channels. */
void meter(const int32_t *samples, long frames, int channels, double *peak, double *total,
           double *squares, long *crossings, double *products)
{
    double frame[CHANNELS];
    int sign[CHANNELS] = {0};

    for (long at = 0; at < frames; at++) {
        for (int c = 0; c < channels; c++) {
            double value = samples[at * channels + c] / 2147483648.0;
            double size = fabs(value);
            frame[c] = value;
            if (size > peak[c])
                peak[c] = size;
            total[c] += value;
            squares[c] += value * value;
            if (value != 0) {
                int now = value < 0 ? -1 : 1;
                if (sign[c] && now != sign[c])
                    crossings[c]++;
                sign[c] = now;
            }
        }
        for (int left = 0; left < channels; left++)
            for (int right = left + 1; right < channels; right++)
                products[left * channels + right] += frame[left] * frame[right];
    }
}
