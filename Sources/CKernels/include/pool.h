// Pooling windows, float32.
#ifndef DL_POOL_H
#define DL_POOL_H

#include <stddef.h>
#include <stdint.h>

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

// The last axis of a pooling window; `pad` is the one in front.
typedef struct {
  ptrdiff_t input, output, kernel, stride, dilation, pad;
} dl_pool_line;

// Columns that 16 outputs may reach over: 15 stride + (kernel - 1) dilation is less.
#define DL_POOL_SPAN 1024

// `rows` rows of outputs of one plane x: row r folds what its window covers of the input rows at
// x + offset[start[r]] .. x + offset[start[r + 1] - 1], first the rows onto each other, then the
// columns. `kind` as above; 3 is the root of the sum of squares. A window on nothing gives -inf or
// 0. Where `column_counts` is given, y[r][o] is divided by row_counts[r] column_counts[o]. y is
// [rows, line.output] and does not overlap x.
typedef void dl_pool_f32_window_fn(int kind, const float *x, const ptrdiff_t *start,
                                   const ptrdiff_t *offset, const ptrdiff_t *row_counts,
                                   ptrdiff_t rows, const dl_pool_line *line,
                                   const ptrdiff_t *column_counts, float *y);

dl_pool_f32_window_fn dl_pool_f32_window__scalar, dl_pool_f32_window__avx2,
    dl_pool_f32_window__avx512;

// Elements of a plane that `dl_pool_f32_planes` takes, of its input and of its output.
#define DL_POOL_PLANE 1024

// The same of `planes` planes of `size` elements each, one behind the other, all rows of them.
// `kind` and the rest as above; where it divides, so does this.
typedef void dl_pool_f32_planes_fn(int kind, const float *x, ptrdiff_t size, ptrdiff_t planes,
                                   const ptrdiff_t *start, const ptrdiff_t *offset,
                                   const ptrdiff_t *row_counts, ptrdiff_t rows,
                                   const dl_pool_line *line, const ptrdiff_t *column_counts,
                                   float *y);

dl_pool_f32_planes_fn dl_pool_f32_planes__scalar, dl_pool_f32_planes__avx2,
    dl_pool_f32_planes__avx512;

// The largest elements of such windows and where they lie: base + the offset from x, or -1 for a
// window on nothing; the first of equals, NaN before all. Nothing at or behind `limit` is read.
// Offsets within a plane are below 2^31.
typedef void dl_pool_f32_places_fn(const float *x, const float *limit, const ptrdiff_t *start,
                                   const ptrdiff_t *offset, ptrdiff_t rows,
                                   const dl_pool_line *line, ptrdiff_t base, float *y,
                                   int64_t *places);

dl_pool_f32_places_fn dl_pool_f32_places__scalar, dl_pool_f32_places__avx2,
    dl_pool_f32_places__avx512;

#endif
