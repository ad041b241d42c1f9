// Attention's own steps between its two matrix products.
//
// Units are elements. Nothing is read or written outside of what each comment names.
#ifndef DL_ATTENTION_H
#define DL_ATTENTION_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Scores of some queries, a row each, and what decides which keys they see. Row r sees keys from
// max(0, low + r * low_step) on, up to but not including min(n, high + r * high_step).
typedef struct dl_attention_rows {
  float *scores; // rows of n elements at distance `distance`
  ptrdiff_t rows, n, distance;
  ptrdiff_t low, low_step, high, high_step;
  const float *mask; // rows of n elements, added; -inf hides a key; null: none
  ptrdiff_t mask_row;
  const uint8_t *bits; // rows of n bytes; 0 hides a key; null: none
  ptrdiff_t bits_row;
  const float *extra; // as mask, added after it; null: none
  ptrdiff_t extra_row;
  float *inverse; // one element a row
} dl_attention_rows;

// scores = exp(score + masks - largest of the row), 0 for keys not seen; inverse = 1 / sum of a
// row, 0 for a row that sees no key. e^x within 2 ulp, 0 below e^-87. NaN in a row makes its
// inverse NaN.
void dl_attention_softmax_f32__scalar(const dl_attention_rows *a);
void dl_attention_softmax_f32__avx2(const dl_attention_rows *a);
void dl_attention_softmax_f32__avx512(const dl_attention_rows *a);

// y[r * y_row + j] = x[r * x_row + j] * (scale or, where scale is null, factor)[r] for j < n. May
// be in place.
void dl_scale_rows_f32__scalar(ptrdiff_t rows, ptrdiff_t n, const float *x, ptrdiff_t x_row,
                               const float *scale, float factor, float *y, ptrdiff_t y_row);
void dl_scale_rows_f32__avx2(ptrdiff_t rows, ptrdiff_t n, const float *x, ptrdiff_t x_row,
                             const float *scale, float factor, float *y, ptrdiff_t y_row);
void dl_scale_rows_f32__avx512(ptrdiff_t rows, ptrdiff_t n, const float *x, ptrdiff_t x_row,
                               const float *scale, float factor, float *y, ptrdiff_t y_row);

// The gradients by scores: d[j] = scale p[j] (d[j] - sum of p d over the row) for the keys
// j < min(n, high + r * high_step) that row r sees, 0 for the others; rows of n elements.
void dl_attention_slopes_f32__scalar(ptrdiff_t rows, ptrdiff_t n, ptrdiff_t high,
                                     ptrdiff_t high_step, const float *p, float *d, float scale);
void dl_attention_slopes_f32__avx2(ptrdiff_t rows, ptrdiff_t n, ptrdiff_t high, ptrdiff_t high_step,
                                   const float *p, float *d, float scale);
void dl_attention_slopes_f32__avx512(ptrdiff_t rows, ptrdiff_t n, ptrdiff_t high,
                                     ptrdiff_t high_step, const float *p, float *d, float scale);

// One query against keys in place: scores[t] = scale * sum of q[d] * k[t * k_row + d], t < keys.
void dl_attention_dots_f32__scalar(ptrdiff_t keys, ptrdiff_t size, const float *q, const float *k,
                                   ptrdiff_t k_row, float scale, float *scores);
void dl_attention_dots_f32__avx2(ptrdiff_t keys, ptrdiff_t size, const float *q, const float *k,
                                 ptrdiff_t k_row, float scale, float *scores);
void dl_attention_dots_f32__avx512(ptrdiff_t keys, ptrdiff_t size, const float *q, const float *k,
                                   ptrdiff_t k_row, float scale, float *scores);

// One query's result: y[j] = factor * sum over t < keys of p[t] * v[t * v_row + j], j < n.
void dl_attention_sum_f32__scalar(ptrdiff_t keys, ptrdiff_t n, const float *p, const float *v,
                                  ptrdiff_t v_row, float factor, float *y);
void dl_attention_sum_f32__avx2(ptrdiff_t keys, ptrdiff_t n, const float *p, const float *v,
                                ptrdiff_t v_row, float factor, float *y);
void dl_attention_sum_f32__avx512(ptrdiff_t keys, ptrdiff_t n, const float *p, const float *v,
                                  ptrdiff_t v_row, float factor, float *y);

#ifdef __cplusplus
}
#endif

#endif
