// Streams of random numbers: Philox4x32-10 (Salmon et al., 2011), keyed by 64 bits and counted by
// draws, so that any part of a stream is made by itself.
//
// Every instruction set gives the same bits. No alignment is needed.
#ifndef DL_RANDOM_H
#define DL_RANDOM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// y[i] = draw first + i of the stream of `key`, for i below `count`: uniform in [0, 1), 53 bits.
void dl_draw_uniform__scalar(uint64_t key, uint64_t first, int64_t count, double *y);
void dl_draw_uniform__avx2(uint64_t key, uint64_t first, int64_t count, double *y);
void dl_draw_uniform__avx512(uint64_t key, uint64_t first, int64_t count, double *y);

// The same of the standard normal distribution, by Box and Muller's transform.
void dl_draw_normal__scalar(uint64_t key, uint64_t first, int64_t count, double *y);
void dl_draw_normal__avx2(uint64_t key, uint64_t first, int64_t count, double *y);
void dl_draw_normal__avx512(uint64_t key, uint64_t first, int64_t count, double *y);

#ifdef __cplusplus
}
#endif
#endif
