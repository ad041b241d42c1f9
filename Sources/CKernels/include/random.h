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

// Takes the 624 words of an MT19937 generator a step further, and writes the 312 doubles that they
// are: uniform in [0, 1), 53 bits.
typedef void dl_twister_uniform_fn(uint32_t *state, double *y);
dl_twister_uniform_fn dl_twister_uniform__scalar, dl_twister_uniform__avx2,
    dl_twister_uniform__avx512;

// y[i] = x[i] * scale where drawn[i] >= ratio, else x[i] * 0; mask[i] = 1 or 0 likewise, where it
// is not NULL. y may be x.
typedef void dl_drop_f32_fn(intptr_t n, const double *drawn, double ratio, float scale,
                            const float *x, float *y, uint8_t *mask);
dl_drop_f32_fn dl_drop_f32__scalar, dl_drop_f32__avx2, dl_drop_f32__avx512;

// y[i] = 1 where drawn[i] < x[i], else 0; returns whether an x lies outside of [0, 1] or is NaN.
// y may be x.
typedef int dl_bernoulli_f32_fn(intptr_t n, const double *drawn, const float *x, float *y);
dl_bernoulli_f32_fn dl_bernoulli_f32__scalar, dl_bernoulli_f32__avx2, dl_bernoulli_f32__avx512;

#ifdef __cplusplus
}
#endif
#endif
