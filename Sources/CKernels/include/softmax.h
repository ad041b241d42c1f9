// Softmax of float32 along one axis of a row-major block: y = e^(x - max) / sum e^(x - max), or
// its logarithm where `log` is not 0. In place is allowed. A row with NaN, with +inf, or all of
// -inf gives NaN, as the formula does.
#ifndef DL_SOFTMAX_H
#define DL_SOFTMAX_H

#include <stddef.h>

// Each of `rows` rows of n elements.
typedef void dl_softmax_f32_rows_fn(int log, const float *x, ptrdiff_t rows, ptrdiff_t n, float *y);
// Columns j0 .. j0 + w of x [n, m], over n; y is [n, m].
typedef void dl_softmax_f32_cols_fn(int log, const float *x, ptrdiff_t n, ptrdiff_t m, ptrdiff_t j0,
                                    ptrdiff_t w, float *y);

dl_softmax_f32_rows_fn dl_softmax_f32_rows__scalar, dl_softmax_f32_rows__avx2,
    dl_softmax_f32_rows__avx512;
dl_softmax_f32_cols_fn dl_softmax_f32_cols__scalar, dl_softmax_f32_cols__avx2,
    dl_softmax_f32_cols__avx512;

// Of each row: its largest element, and the logarithm of sum e^(x - max); NaN as above.
void dl_log_totals_f32__avx512(const float *x, ptrdiff_t rows, ptrdiff_t n, float *tops,
                               float *logs);
// Softmax of each row times rates[row], 0 where that is 0; y is not x.
void dl_softmax_scaled_f32__avx512(const float *x, ptrdiff_t rows, ptrdiff_t n, const float *rates,
                                   float *y);

#endif
