// Matrix product: one register tile of C = A * B, and packing.
//
// Units are elements. Nothing is read or written outside of what each comment names. A, B and C do
// not overlap. No alignment is needed; packed memory aligned to 64 bytes is fastest.
#ifndef DL_GEMM_H
#define DL_GEMM_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Applies a function to n elements, as the elementwise kernels do; y may be x.
typedef void (*dl_gemm_function)(const void *x, void *y, size_t n, const double *parameters);

// What happens to a tile between the accumulators and memory:
//   sums start from c where `accumulate`, from 0 elsewhere
//   where `final`: v = alpha * v (+ beta * addend[i * addend_row + j * addend_column])
//                  v = min(max(v, low), high) where `clip`; NaN stays NaN
//                  v = function(v) (+ residual[i * residual_row + j]); float types only
typedef struct dl_gemm_epilogue {
  double alpha, beta, low, high;
  const void *addend; // null: none; points at the element for the tile's first row and column
  intptr_t addend_row, addend_column;
  dl_gemm_function function; // null: none
  const double *parameters;
  const void *residual; // null: none; points at the element for the tile's first row and column
  intptr_t residual_row;
  // Memory that is wanted soon, fetched into the second-level cache at `next_step` bytes a step of
  // the sum; null: none.
  const void *next;
  intptr_t next_step;
  int32_t accumulate, final, clip;
  // Set where alpha = beta = 1, there is no function, and the addend, if any, has row distance 0
  // and column distance 1.
  int32_t plain;
  // Set where the panel of B may be beyond the second-level cache: its lines are fetched ahead.
  int32_t far;
} dl_gemm_epilogue;

// One tile: rows 0..<m, columns 0..<n, 1 <= m <= MR, 1 <= n <= NR, k >= 0. Sums are added up in the
// order of k, one multiplication with addition after the other, so that neither the rows and
// columns of a tile nor the depths that a sum is cut into change a bit of them.
//   a: element (row i, step l) at a[i * a_row + l * a_step]
//   b: k rows of n elements at distance ldb. Kernels marked "padded" read NR elements of each row,
//      so packed panels [k][NR] are padded
//   c: m rows of n elements at distance ldc
typedef void (*dl_gemm_tile)(intptr_t m, intptr_t n, intptr_t k, const void *a, intptr_t a_row,
                             intptr_t a_step, const void *b, intptr_t ldb, void *c, intptr_t ldc,
                             const dl_gemm_epilogue *e);

#define DL_GEMM_TILE(name)                                                                         \
  void name(intptr_t m, intptr_t n, intptr_t k, const void *a, intptr_t a_row, intptr_t a_step,    \
            const void *b, intptr_t ldb, void *c, intptr_t ldc, const dl_gemm_epilogue *e)

// The same tile of a right factor that lies in its matrix. Its k rows are stored to `kept`,
// [k][NR], as the panel that the rows of C below read; lanes past n are unspecified.
#define DL_GEMM_KEEPING_TILE(name)                                                                 \
  void name(intptr_t m, intptr_t n, intptr_t k, const void *a, intptr_t a_row, intptr_t a_step,    \
            const void *b, intptr_t ldb, void *c, intptr_t ldc, void *kept,                        \
            const dl_gemm_epilogue *e)
DL_GEMM_KEEPING_TILE(dl_gemm_f32_6x64_keep__avx512);

DL_GEMM_TILE(dl_gemm_f32_4x16__scalar);  // MR 4, NR 16
DL_GEMM_TILE(dl_gemm_f32_6x16__avx2);    // MR 6, NR 16
DL_GEMM_TILE(dl_gemm_f32_6x16__neon);    // MR 6, NR 16
DL_GEMM_TILE(dl_gemm_f32_6x64__avx512);  // MR 6, 8 for n <= 48, 12 for n <= 32; NR 64
DL_GEMM_TILE(dl_gemm_f64_4x8__scalar);   // MR 4, NR 8, padded
DL_GEMM_TILE(dl_gemm_f64_6x8__avx2);     // MR 6, NR 8, padded
DL_GEMM_TILE(dl_gemm_f64_14x16__avx512); // MR 14, NR 16, padded
DL_GEMM_TILE(dl_gemm_u32_4x16__scalar);  // MR 4, NR 16, padded; modulo 2^32, so signed as well
DL_GEMM_TILE(dl_gemm_u32_6x16__avx2);    // MR 6, NR 16, padded
DL_GEMM_TILE(dl_gemm_u32_14x32__avx512); // MR 14, NR 32, padded
DL_GEMM_TILE(dl_gemm_u64_4x8__scalar);   // MR 4, NR 8, padded; modulo 2^64, so signed as well
DL_GEMM_TILE(dl_gemm_u64_14x16__avx512); // MR 14, NR 16, padded

// The product of one row and a matrix in place: c[j] = sum over k of a[k] * b[k * ldb + j], then
// the epilogue (row 0) as in tiles. n >= 1, k >= 0.
void dl_gemv_f32_rows__scalar(intptr_t n, intptr_t k, const float *a, const float *b, intptr_t ldb,
                              float *c, const dl_gemm_epilogue *e);
void dl_gemv_f32_rows__avx2(intptr_t n, intptr_t k, const float *a, const float *b, intptr_t ldb,
                            float *c, const dl_gemm_epilogue *e);
void dl_gemv_f32_rows__avx512(intptr_t n, intptr_t k, const float *a, const float *b, intptr_t ldb,
                              float *c, const dl_gemm_epilogue *e);
// The same, with the same bits, of matrices too large for the caches: rows are read whole.
void dl_gemv_f32_wide__avx2(intptr_t n, intptr_t k, const float *a, const float *b, intptr_t ldb,
                            float *c, const dl_gemm_epilogue *e);
void dl_gemv_f32_wide__avx512(intptr_t n, intptr_t k, const float *a, const float *b, intptr_t ldb,
                              float *c, const dl_gemm_epilogue *e);

// A product of sums of k <= 8 elements with a right factor of few columns, n rows of c at distance
// ldc: sums in the order of k, then the bias of each column (null: none), then the clip.
typedef void dl_gemm_f32_thin_fn(intptr_t m, intptr_t n, intptr_t k, const float *a, intptr_t lda,
                                 const float *b, intptr_t ldb, float *c, intptr_t ldc,
                                 const float *bias, const dl_gemm_epilogue *e);
dl_gemm_f32_thin_fn dl_gemm_f32_thin__scalar, dl_gemm_f32_thin__avx2, dl_gemm_f32_thin__avx512;

// The products of m rows, lda apart, and one column that lies in a row: c[i * ldc] = sum over p of
// a[i * lda + p] * b[p], in 32 lanes over blocks of 4096 terms. m >= 1, k >= 0.
void dl_gemm_f32_column__scalar(intptr_t m, intptr_t k, const float *a, intptr_t lda,
                                const float *b, float *c, intptr_t ldc);
void dl_gemm_f32_column__avx2(intptr_t m, intptr_t k, const float *a, intptr_t lda, const float *b,
                              float *c, intptr_t ldc);
void dl_gemm_f32_column__avx512(intptr_t m, intptr_t k, const float *a, intptr_t lda,
                                const float *b, float *c, intptr_t ldc);

// The product of m rows in place, lda apart, and a packed factor in panels [k][NR] padded with
// zeros, NR being that of the instruction set's tile: c[i * ldc + j] = sum + bias[j], then the
// epilogue's clip alone. bias may be null. m, n >= 1, k >= 0. Sums have the bits of the tiles' for
// 4 or more rows.
#define DL_GEMM_ROWS(name)                                                                         \
  void name(intptr_t m, intptr_t n, intptr_t k, const float *a, intptr_t lda, const float *b,      \
            float *c, intptr_t ldc, const float *bias, const dl_gemm_epilogue *e)

DL_GEMM_ROWS(dl_gemm_f32_rows__avx2);   // NR 16
DL_GEMM_ROWS(dl_gemm_f32_rows__avx512); // NR 64

// Packs `count` vectors of `k` elements: to[i * width + j] = from[j * across + i * along] for
// i < k, j < count, and zero for count <= j < width. Element size 4 or 8 bytes.
void dl_pack_32__scalar(uint32_t *to, intptr_t width, const uint32_t *from, intptr_t count,
                        intptr_t across, intptr_t k, intptr_t along);
void dl_pack_64__scalar(uint64_t *to, intptr_t width, const uint64_t *from, intptr_t count,
                        intptr_t across, intptr_t k, intptr_t along);
// As above for along = 1 and count <= 16: transposes blocks of 16 by 16.
void dl_pack_32__avx512_transpose(uint32_t *to, intptr_t width, const uint32_t *from,
                                  intptr_t count, intptr_t across, intptr_t k);
// As above for across = 1.
void dl_pack_32__avx512_rows(uint32_t *to, intptr_t width, const uint32_t *from, intptr_t count,
                             intptr_t k, intptr_t along);
// Panels of 64 columns, `step` elements apart, whose rows follow each other: row i of panel p holds
// from[i * along + 64 p ...] for the columns there are, zeros behind them.
void dl_pack_panels_32__avx512(uint32_t *to, intptr_t step, const uint32_t *from, intptr_t columns,
                               intptr_t k, intptr_t along);

#ifdef __cplusplus
}
#endif

#endif
