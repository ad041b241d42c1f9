// One tap of a pooling window for a run of neighbouring outputs, float32.
#ifndef DL_POOL_H
#define DL_POOL_H

#include <stddef.h>

// y[i] = y[i] op x[i * step] for i in 0..n. `kind`: 0 max (NaN wins), 1 sum, 2 sum of magnitudes,
// 3 sum of squares. x and y do not overlap.
typedef void dl_pool_f32_tap_fn(int kind, const float *x, ptrdiff_t step, ptrdiff_t n, float *y);

dl_pool_f32_tap_fn dl_pool_f32_tap__scalar, dl_pool_f32_tap__avx2, dl_pool_f32_tap__avx512;

#endif
