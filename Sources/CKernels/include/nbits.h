// Products of float32 rows with weights of 4 or 8 bits in blocks, each with a scale and a zero
// point: y[j] = sum over k of x[k] * (code[j, k] - zero) * scale + bias[j].
//
// Weights lie in panels of 32 columns, the last one padded with zeros. Of a panel, for each 32
// steps of the sum, in bytes:
//   4 bits: 4 groups v of [32 columns][4], byte z holding step 4v + z low and 16 + 4v + z high
//   8 bits: 8 groups v of [32 columns][4], byte z holding step 4v + z
// Scales are [panel][block][32] float32, zero points [panel][block][32] uint8. A block is `sub`
// times 32 steps, or 16 steps where `sub` is 0, and their number then even; what lies beyond the
// sum's end is multiplied with zeros of x.
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

// Groups of 32 steps.
static inline intptr_t dl_nbits_groups(const dl_nbits_weights *w) {
  return w->sub ? w->blocks * w->sub : w->blocks / 2;
}

// Rows 0..<m and columns 0..<n, pointers of `w` and bias at column 0, a multiple of 32.
//   x: rows of whole blocks, zeros beyond the sum's end; sums: [m][blocks], the sum of x over each
typedef void dl_nbits_f32_fn(intptr_t m, intptr_t n, const float *x, const float *sums,
                             const dl_nbits_weights *w, const float *bias, float *y, intptr_t ldy);
dl_nbits_f32_fn dl_nbits_f32__scalar, dl_nbits_f32__avx2, dl_nbits_f32__avx512;

// The same with x as codes: rows of `planes` (1 or 3) times whole blocks, x[k] = scales[block]
// (codes[k] + 256 codes of the plane before + 65536 codes of the first); sums of those numbers.
// Three planes take blocks of at most 256.
typedef void dl_nbits_s8_fn(intptr_t m, intptr_t n, int planes, const int8_t *x,
                            const float *scales, const float *sums, const dl_nbits_weights *w,
                            const float *bias, float *y, intptr_t ldy);
dl_nbits_s8_fn dl_nbits_s8__scalar, dl_nbits_s8__vnni;

// A row as the functions above want it: n elements, zeros up to blocks * length.
void dl_nbits_stage(intptr_t n, intptr_t blocks, intptr_t length, const float *x, float *y,
                    float *sums);
// Codes round(x / scale) of a row in one plane, scale = max |x| / 127 in each block; or in three,
// scale = max |x| / (127 * 65536), as exact as float32 sums are. Returns 0 where three planes do
// not say what a row does: a number is not finite, or a block has only tiny ones, taken for 0.
#define DL_NBITS_TINY 0x1p-100f
typedef int dl_nbits_quantize_fn(intptr_t n, intptr_t blocks, intptr_t length, int planes,
                                 const float *x, int8_t *y, float *scales, float *sums);
dl_nbits_quantize_fn dl_nbits_quantize__scalar, dl_nbits_quantize__avx512;

// Numbers of 64 columns, two panels (the second one absent where `has` is 32 or less):
// y[k * 64 + j] for each k of whole blocks; zeros for a panel that is absent.
typedef void dl_nbits_unpack_fn(intptr_t has, const dl_nbits_weights *w, float *y);
dl_nbits_unpack_fn dl_nbits_unpack__scalar, dl_nbits_unpack__avx512;

#ifdef __cplusplus
}
#endif
#endif
