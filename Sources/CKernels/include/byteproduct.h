// Products of 8-bit integers with sums in int32, and what is done to the sums before they are
// stored.
//
// A holds uint8 codes; those of int8 are flipped (x ^ 0x80) by who stages them. B holds int8
// codes, those of uint8 flipped likewise. Units are bytes for distances that end in `_bytes`,
// elements elsewhere. Nothing is read or written outside of what each comment names, and nothing
// overlaps. No alignment is needed; panels aligned to 64 bytes are fastest.
#ifndef DL_BYTEPRODUCT_H
#define DL_BYTEPRODUCT_H
#include "gemm.h"
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum dl_byteproduct_output {
  dl_byteproduct_sums,   // int32
  dl_byteproduct_floats, // float32
  dl_byteproduct_codes,  // uint8 or int8
};

// From the sum of a row i and a column j to what is stored, in this order:
//   t = sum - row[i] * column[j]                                      modulo 2^32
//   sums: y = t
//   v = t * scale[j]
//   v = min(max(rint(v), round_low), round_high) * round_scale        where `rounds`
//   v = v + bias[j]
//   v = function(v)
//   v = v + residual, float32 or (code - residual_zero) * residual_scale
//   floats: y = v
//   codes: y = min(max(rint(v * inverse), low), high) + zero
// A NaN counts as low where something is rounded. All that is optional is null or 0 where absent.
// Arrays for columns are read in whole panels.
typedef struct dl_byteproduct_finish {
  const int32_t *start;  // what the sums of each column begin with
  const int32_t *row;    // a factor for each row
  const int32_t *column; // and for each column
  const float *scale;
  const float *bias;
  dl_gemm_function function;
  const double *parameters;
  const void *residual;
  intptr_t residual_row;
  float residual_scale;
  int32_t residual_zero;
  int32_t residual_kind; // 0 float32, 1 uint8, 2 int8
  int32_t rounds;
  float round_low, round_high, round_scale;
  float inverse, low, high;
  int32_t zero;
  int32_t output;    // dl_byteproduct_output
  int32_t is_signed; // codes are int8
  void *y;
  intptr_t y_row;
} dl_byteproduct_finish;

// Rows 0..<m and columns 0..<n of a product. m, n >= 1, depth >= 0.
//   a: rows of `depth` elements, uint8 or, for kernels "s16", int16 (depth even)
//   b: panels [ceil(depth / G)][NR][G], the last one padded with zeros; G = 4, for "s16" 2
// Pointers of `e` stand for row 0 and column 0.
typedef void (*dl_byteproduct_block)(intptr_t m, intptr_t n, intptr_t depth, const void *a,
                                     intptr_t a_row_bytes, const void *b,
                                     const dl_byteproduct_finish *e);

#define DL_BYTEPRODUCT_BLOCK(name)                                                                 \
  void name(intptr_t m, intptr_t n, intptr_t depth, const void *a, intptr_t a_row_bytes,           \
            const void *b, const dl_byteproduct_finish *e)

DL_BYTEPRODUCT_BLOCK(dl_byteproduct_u8s8_4x64__scalar); // NR 64, G 4
DL_BYTEPRODUCT_BLOCK(dl_byteproduct_s16_6x16__avx2);    // NR 16, G 2
DL_BYTEPRODUCT_BLOCK(dl_byteproduct_s16_6x64__avx512);  // NR 64, G 2
DL_BYTEPRODUCT_BLOCK(dl_byteproduct_u8s8_6x64__vnni);   // NR 64, G 4

// Packs columns of B: panel [ceil(k / 4)][width][4] of b[i * along + j * across] ^ flip, zeros for
// what lies beyond k and count <= width; sums[j] becomes the sum of column j, 0 beyond count.
void dl_byteproduct_pack(intptr_t k, intptr_t count, intptr_t width, const uint8_t *b,
                         intptr_t along, intptr_t across, int32_t flip, int8_t *panel,
                         int32_t *sums);
// The same as [ceil(k / 2)][width][2] of int16.
void dl_byteproduct_pack_s16(intptr_t k, intptr_t count, intptr_t width, const uint8_t *b,
                             intptr_t along, intptr_t across, int32_t flip, int16_t *panel,
                             int32_t *sums);
// to[i] = a[i] ^ flip for i < n, and 0 for n <= i < padded.
void dl_byteproduct_stage(intptr_t n, intptr_t padded, const uint8_t *a, int32_t flip, uint8_t *to);
void dl_byteproduct_stage_s16(intptr_t n, intptr_t padded, const uint8_t *a, int32_t flip,
                              int16_t *to);
// The sum of a[i] ^ flip for i < n.
int32_t dl_byteproduct_sum(intptr_t n, const uint8_t *a, int32_t flip);

// Codes of n numbers: y = min(max(rint(x / scale), low), high) + zero, as int8 or uint8 bits; NaN
// counts as low. The quotient is that of a division, rounded to float32.
void dl_quantize_f32_bytes__scalar(intptr_t n, const float *x, float scale, float low, float high,
                                   int32_t zero, uint8_t *y);
void dl_quantize_f32_bytes__avx512(intptr_t n, const float *x, float scale, float low, float high,
                                   int32_t zero, uint8_t *y);
// y = (x - zero) * scale for n codes.
void dl_dequantize_bytes_f32__scalar(intptr_t n, const uint8_t *x, int32_t is_signed, int32_t zero,
                                     float scale, float *y);
void dl_dequantize_bytes_f32__avx512(intptr_t n, const uint8_t *x, int32_t is_signed, int32_t zero,
                                     float scale, float *y);
// Lowers range[0] and raises range[1] to what x holds; NaN does not count.
void dl_range_f32__scalar(intptr_t n, const float *x, float *range);
void dl_range_f32__avx512(intptr_t n, const float *x, float *range);

// Softmax of rows of n numbers as codes: with p = e^(x - max x) / sum e^(x - max x), y =
// min(max(rint(p / scale), low), high) + zero. x is overwritten. A row with NaN, with +inf, or all
// of -inf gives low + zero throughout.
typedef void dl_softmax_f32_bytes_fn(float *x, intptr_t rows, intptr_t n, float scale, float low,
                                     float high, int32_t zero, uint8_t *y);
dl_softmax_f32_bytes_fn dl_softmax_f32_bytes__scalar, dl_softmax_f32_bytes__avx512;

// Sums and products of 8-bit codes as ONNX Runtime rounds them: y[i] = saturate(round(ra a + (rb b
// + fixed))), products and sums fused, and saturate(round((a - ra) (b - rb) fixed + zero)). The
// codes are a[i * sa] and b[i * sb], strides 0 or 1; y may be either where its stride is 1.
typedef void dl_codes_sum_fn(intptr_t n, const uint8_t *a, intptr_t sa, float ra, const uint8_t *b,
                             intptr_t sb, float rb, float fixed, int is_signed, uint8_t *y);
typedef void dl_codes_product_fn(intptr_t n, const uint8_t *a, intptr_t sa, float ra,
                                 const uint8_t *b, intptr_t sb, float rb, float fixed, float zero,
                                 int is_signed, uint8_t *y);
dl_codes_sum_fn dl_codes_sum__scalar, dl_codes_sum__avx2, dl_codes_sum__avx512;
dl_codes_product_fn dl_codes_product__scalar, dl_codes_product__avx2, dl_codes_product__avx512;

#ifdef __cplusplus
}
#endif
#endif
