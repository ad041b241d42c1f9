// Float32 rows: moments, affine maps and products. Sums run in fixed lanes, so results depend on
// the row alone. Unless said otherwise, y may be x but not overlap it in part.
#ifndef DL_ROWS_H
#define DL_ROWS_H

#include <stddef.h>

// The mean of x[0..n] and the mean of the squared distances from it, in two passes.
typedef void dl_moments_f32_fn(const float *x, ptrdiff_t n, float *mean, float *variance);
// y = (x - shift) * scale + bias
typedef void dl_affine_f32_fn(const float *x, ptrdiff_t n, float shift, float scale, float bias,
                              float *y);
// y = (x - shift) * scale * gain[i] + bias[i]; bias may be NULL.
typedef void dl_affine_each_f32_fn(const float *x, ptrdiff_t n, float shift, float scale,
                                   const float *gain, const float *bias, float *y);
// y += a * x
typedef void dl_axpy_f32_fn(const float *x, ptrdiff_t n, float a, float *y);
// C[i * ldc + j] = sum over k of A[i * lda + k] * B[j * ldb + k], for i < m, j < n, k < depth;
// added to what is there where `adds` is not 0. C overlaps neither A nor B.
typedef void dl_dots_f32_fn(ptrdiff_t m, ptrdiff_t n, ptrdiff_t depth, const float *A,
                            ptrdiff_t lda, const float *B, ptrdiff_t ldb, float *C, ptrdiff_t ldc,
                            int adds);

// y[j] = sum over i < rows of weights[i] * x[i * ldx + j] for j < n. y overlaps nothing.
typedef void dl_weighted_f32_fn(const float *weights, ptrdiff_t rows, const float *x, ptrdiff_t ldx,
                                ptrdiff_t n, float *y);
dl_weighted_f32_fn dl_weighted_f32__scalar, dl_weighted_f32__avx2, dl_weighted_f32__avx512;

// out[i * ldo + j] = sum over f < features of (x[i * ldx + f] - panel[f * 32 + j])^2 for i < rows,
// j < n <= 32, summed in the order of f. out overlaps nothing.
typedef void dl_distances_f32_fn(ptrdiff_t rows, ptrdiff_t n, ptrdiff_t features, const float *x,
                                 ptrdiff_t ldx, const float *panel, float *out, ptrdiff_t ldo);
dl_distances_f32_fn dl_distances_f32_4x32__scalar, dl_distances_f32_4x32__avx2,
    dl_distances_f32_4x32__avx512;

// x = 1 / (1 + e^-x) within 2e-7, or x = tanh x within 2e-7, in place. NaN stays.
typedef void dl_squash_f32_fn(float *x, ptrdiff_t n);

dl_squash_f32_fn dl_sigmoid_f32__scalar, dl_sigmoid_f32__avx2, dl_sigmoid_f32__avx512;
dl_squash_f32_fn dl_tanh_f32__scalar, dl_tanh_f32__avx2, dl_tanh_f32__avx512;

// y[j] = sum over i < rows of x[i * ldx + j] for j < n, in float64, in the order of i. y overlaps
// nothing.
typedef void dl_column_sums_f32_fn(const float *x, ptrdiff_t rows, ptrdiff_t ldx, ptrdiff_t n,
                                   float *y);
dl_column_sums_f32_fn dl_column_sums_f32__scalar, dl_column_sums_f32__avx2,
    dl_column_sums_f32__avx512;

// The sum of x, or of (x - c)^2 where `squared`.
typedef double dl_shifted_sum_f32_fn(const float *x, ptrdiff_t n, float c, int squared);
dl_shifted_sum_f32_fn dl_shifted_sum_f32__scalar, dl_shifted_sum_f32__avx2,
    dl_shifted_sum_f32__avx512;
// Adds the sum of y to `sum`, and that of y * (x - c) to `product`.
typedef void dl_paired_sums_f32_fn(const float *x, const float *y, ptrdiff_t n, float c,
                                   double *sum, double *product);
dl_paired_sums_f32_fn dl_paired_sums_f32__scalar, dl_paired_sums_f32__avx2,
    dl_paired_sums_f32__avx512;
// dx = dy * of_dy + (x - c) * of_x + constant
typedef void dl_norm_back_f32_fn(const float *x, const float *dy, ptrdiff_t n, float c, float of_dy,
                                 float of_x, float constant, float *dx);
dl_norm_back_f32_fn dl_norm_back_f32__scalar, dl_norm_back_f32__avx2, dl_norm_back_f32__avx512;

// Rows that are normalised, each with n > 0 elements; without `centers` around 0.
typedef struct dl_norm_rows {
  ptrdiff_t rows, n;
  double epsilon;
  int centers;
} dl_norm_rows;
// The gradients of y = z * gain + shift with z = (x - mean) / sqrt(variance + epsilon), row by row:
// dx, and the sums over the rows, in their order, of dy * z and dy. Each may be NULL.
typedef void dl_norm_rows_back_f32_fn(const dl_norm_rows *k, const float *x, const float *gain,
                                      const float *dy, float *dx, float *dgain, float *dshift);
dl_norm_rows_back_f32_fn dl_norm_rows_back_f32__scalar, dl_norm_rows_back_f32__avx2,
    dl_norm_rows_back_f32__avx512;
// y = z * gain + bias of rows of at most 32 elements, summed in their order. `mean` (0 without
// `centers`) and `inverse`, the factors of z, get an element a row; they and bias may be NULL.
typedef void dl_norm_short_f32_fn(const dl_norm_rows *k, const float *x, const float *gain,
                                  const float *bias, float *y, float *mean, float *inverse);
dl_norm_short_f32_fn dl_norm_short_f32__scalar, dl_norm_short_f32__avx2, dl_norm_short_f32__avx512;

dl_moments_f32_fn dl_moments_f32__scalar, dl_moments_f32__avx2, dl_moments_f32__avx512;
dl_affine_f32_fn dl_affine_f32__scalar, dl_affine_f32__avx2, dl_affine_f32__avx512;
dl_affine_each_f32_fn dl_affine_each_f32__scalar, dl_affine_each_f32__avx2,
    dl_affine_each_f32__avx512;
dl_axpy_f32_fn dl_axpy_f32__scalar, dl_axpy_f32__avx2, dl_axpy_f32__avx512;
dl_dots_f32_fn dl_dots_f32_4x4__scalar, dl_dots_f32_4x4__avx2, dl_dots_f32_4x4__avx512;

#endif
