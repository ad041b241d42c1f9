// Reductions of float32 along one axis of a row-major block.
//
// `kind`: 0 sum, 1 sum of magnitudes, 2 sum of squares, 3 max, 4 min, 5 product, 6 log-sum-exp.
// Sums run in 64 fixed lanes over blocks of 2048 elements whose totals are added in double, so
// results depend neither on threads nor on alignment. Max and min hand NaN on. Over nothing the
// results are 0, 0, 0, -inf, inf, 1, -inf.
#ifndef DL_REDUCE_H
#define DL_REDUCE_H

#include <stddef.h>
#include <stdint.h>

// y[r] = fold of x[r * n .. r * n + n] for r in 0..rows.
typedef void dl_reduce_f32_rows_fn(int kind, const float *x, ptrdiff_t rows, ptrdiff_t n, float *y);
// y[j] = fold over i in 0..n of x[i * m + j] for j in j0 .. j0 + w. x is [n, m], y is [m].
typedef void dl_reduce_f32_cols_fn(int kind, const float *x, ptrdiff_t n, ptrdiff_t m, ptrdiff_t j0,
                                   ptrdiff_t w, float *y);

// The first index from i on, of n, whose element is not within t: above it (below it unless
// `largest`), or one of both NaN. n where there is none.
typedef ptrdiff_t dl_next_beyond_f32_fn(const float *x, ptrdiff_t i, ptrdiff_t n, float t,
                                        int largest);

// The first row from i on, of n rows of m elements, of whose first w <= 16 one is not within its t,
// and a bit for each of those that are not.
typedef ptrdiff_t dl_next_row_beyond_f32_fn(const float *x, ptrdiff_t i, ptrdiff_t n, ptrdiff_t m,
                                            ptrdiff_t w, const float *t, int largest,
                                            uint32_t *which);

dl_next_row_beyond_f32_fn dl_next_row_beyond_f32__scalar, dl_next_row_beyond_f32__avx2,
    dl_next_row_beyond_f32__avx512;
dl_next_beyond_f32_fn dl_next_beyond_f32__scalar, dl_next_beyond_f32__avx2,
    dl_next_beyond_f32__avx512;
dl_reduce_f32_rows_fn dl_reduce_f32_rows__scalar, dl_reduce_f32_rows__avx2,
    dl_reduce_f32_rows__avx512;
dl_reduce_f32_cols_fn dl_reduce_f32_cols__scalar, dl_reduce_f32_cols__avx2,
    dl_reduce_f32_cols__avx512;

// y[r] = the place of the largest of x[r * n .. r * n + n], of the smallest where `least`; the
// first of equals or the `last`, NaN before all. n is at least 1.
typedef void dl_arg_f32_rows_fn(const float *x, ptrdiff_t rows, ptrdiff_t n, int least, int last,
                                int64_t *y);
// y[j] = the same place i in 0..n of x[i * m + j], for j in j0 .. j0 + w; n is below 2^31.
typedef void dl_arg_f32_cols_fn(const float *x, ptrdiff_t n, ptrdiff_t m, ptrdiff_t j0, ptrdiff_t w,
                                int least, int last, int64_t *y);

dl_arg_f32_rows_fn dl_arg_f32_rows__scalar, dl_arg_f32_rows__avx2, dl_arg_f32_rows__avx512;
dl_arg_f32_cols_fn dl_arg_f32_cols__scalar, dl_arg_f32_cols__avx2, dl_arg_f32_cols__avx512;

// The same of elements of another type, by its number in ONNX: integers and float64.
// y[r] = the largest of x[r * n .. r * n + n], the smallest where `least`; NaN stays. n is at least
// 1.
typedef void dl_extreme_rows_fn(int type, const void *x, ptrdiff_t rows, ptrdiff_t n, int least,
                                void *y);
typedef void dl_arg_rows_fn(int type, const void *x, ptrdiff_t rows, ptrdiff_t n, int least,
                            int last, int64_t *y);
typedef void dl_arg_cols_fn(int type, const void *x, ptrdiff_t n, ptrdiff_t m, ptrdiff_t j0,
                            ptrdiff_t w, int least, int last, int64_t *y);

dl_extreme_rows_fn dl_extreme_rows__scalar, dl_extreme_rows__avx2, dl_extreme_rows__avx512;
dl_arg_rows_fn dl_arg_rows__scalar, dl_arg_rows__avx2, dl_arg_rows__avx512;
dl_arg_cols_fn dl_arg_cols__scalar, dl_arg_cols__avx2, dl_arg_cols__avx512;

#endif
