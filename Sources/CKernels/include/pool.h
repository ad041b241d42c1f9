// One tap of a pooling window for a run of neighbouring outputs, float32.
#ifndef DL_POOL_H
#define DL_POOL_H

#include <stddef.h>

// y[i] = y[i] op x[i * step] for i in 0..n. `kind`: 0 max (NaN wins), 1 sum, 2 sum of magnitudes,
// 3 sum of squares. x and y do not overlap.
typedef void dl_pool_f32_tap_fn(int kind, const float *x, ptrdiff_t step, ptrdiff_t n, float *y);

dl_pool_f32_tap_fn dl_pool_f32_tap__scalar, dl_pool_f32_tap__avx2, dl_pool_f32_tap__avx512;

// The gradient of the largest element of `n` windows of 2 by 2 that do not overlap: dy[i] where the
// largest lies (the first of equals, NaN before all), zero at the other three places. x0, x1: two
// rows of 2 n elements; d0, d1: the same of the result. No two overlap.
typedef void dl_pool_f32_spread_fn(const float *x0, const float *x1, const float *dy, ptrdiff_t n,
                                   float *d0, float *d1);

dl_pool_f32_spread_fn dl_pool_f32_spread__scalar, dl_pool_f32_spread__avx2,
    dl_pool_f32_spread__avx512;

// The largest elements of the same windows: y[i].
typedef void dl_pool_f32_pairs_fn(const float *x0, const float *x1, ptrdiff_t n, float *y);

dl_pool_f32_pairs_fn dl_pool_f32_pairs__scalar, dl_pool_f32_pairs__avx2, dl_pool_f32_pairs__avx512;

#endif
