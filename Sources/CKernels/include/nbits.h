// Products of float32 rows with weights of 4 or 8 bits in blocks, each with a scale and a zero
// point: y[j] = sum over k of x[k] * (code[j, k] - zero) * scale + bias[j].
//
// Weights lie in panels of 32 columns, the last one padded with zeros. Of a panel, for each 32
// steps of the sum, in bytes:
//   4 bits: 4 groups v of [32 columns][4], byte z holding step 4v + z low and 16 + 4v + z high
//   8 bits: 8 groups v of [32 columns][4], byte z holding step 4v + z
// Scales are [panel][block][32] float32, zero points [panel][block][32] uint8. A block is `sub`
// times 32 steps; what lies beyond the sum's end is multiplied with zeros of x.
//
// Units are elements. Nothing is read or written outside of what is named, and nothing overlaps.
#ifndef DL_NBITS_H
#define DL_NBITS_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dl_nbits_weights {
  const uint8_t *codes;
  const float *scales;
  const uint8_t *zeros; // null: `zero` for all
  int32_t zero;
  int32_t bits; // 4 or 8
  intptr_t blocks, sub;
} dl_nbits_weights;

// Rows 0..<m and columns 0..<n, pointers of `w` and bias at column 0, a multiple of 32.
//   x: rows of blocks * sub * 32 elements, zeros beyond the sum's end; sums: [m][blocks], the sum
//   of x over each block
typedef void dl_nbits_f32_fn(intptr_t m, intptr_t n, const float *x, const float *sums,
                             const dl_nbits_weights *w, const float *bias, float *y, intptr_t ldy);
dl_nbits_f32_fn dl_nbits_f32__scalar, dl_nbits_f32__avx2, dl_nbits_f32__avx512;

// The same with x in int8, x[k] * scales[block]; sums of the codes of each block.
typedef void dl_nbits_s8_fn(intptr_t m, intptr_t n, const int8_t *x, const float *scales,
                            const int32_t *sums, const dl_nbits_weights *w, const float *bias,
                            float *y, intptr_t ldy);
dl_nbits_s8_fn dl_nbits_s8__scalar, dl_nbits_s8__vnni;

// A row as the functions above want it: n elements, zeros up to blocks * length.
void dl_nbits_stage(intptr_t n, intptr_t blocks, intptr_t length, const float *x, float *y,
                    float *sums);
// Codes round(x / scale) with scale = max |x| / 127 in each block.
typedef void dl_nbits_quantize_fn(intptr_t n, intptr_t blocks, intptr_t length, const float *x,
                                  int8_t *y, float *scales, int32_t *sums);
dl_nbits_quantize_fn dl_nbits_quantize__scalar, dl_nbits_quantize__avx512;

// Numbers of 64 columns, two panels (the second one absent where `has` is 32 or less):
// y[k * 64 + j] for k < blocks * sub * 32; zeros for a panel that is absent.
typedef void dl_nbits_unpack_fn(intptr_t has, const dl_nbits_weights *w, float *y);
dl_nbits_unpack_fn dl_nbits_unpack__scalar, dl_nbits_unpack__avx512;

#ifdef __cplusplus
}
#endif
#endif
