// Winograd's transforms that only training needs, F(4x4, 3x3): of weights that change from run to
// run, of gradients by outputs, and back to gradients by weights. With the matrices of
// winograd_body.h a tile of outputs is A' ((G g G') . (B' d B)) A, so the gradient by g is
// G' (sum over tiles of (A dy A') . (B' d B)) G.
#include "blocked.h"

#if defined(__x86_64__)
#include "vectors_avx512.h"

#define UNROLL _Pragma("clang loop unroll(full)")
#define INLINE static inline __attribute__((always_inline))

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma"))),    \
                             apply_to = function)

// G g: three elements become six.
INLINE void weights_into(const V *g, V *o) {
  const V even = MUL(SPLAT(-1.0f / 6), ADD(g[0], g[2])), odd = MUL(SPLAT(1.0f / 6), g[1]);
  const V wide = FMA(SPLAT(1.0f / 24), g[0], MUL(SPLAT(1.0f / 6), g[2]));
  const V half = MUL(SPLAT(1.0f / 12), g[1]);
  o[0] = MUL(SPLAT(0.25f), g[0]);
  o[1] = SUB(even, odd);
  o[2] = ADD(even, odd);
  o[3] = ADD(wide, half);
  o[4] = SUB(wide, half);
  o[5] = g[2];
}

void dl_winograd_weights_f32__avx512(float *to, intptr_t step, intptr_t row, const float *w,
                                     intptr_t outputs, intptr_t output_step, intptr_t channels,
                                     intptr_t channel_step, intptr_t depth, int is_turned) {
  const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512i at = _mm512_mullo_epi32(lane, _mm512_set1_epi32((int)output_step));
  const __mmask16 there = outputs >= 16 ? 0xFFFF : (__mmask16)((1u << outputs) - 1);
  for (intptr_t c = 0; c < depth; c++, to += row) {
    if (c >= channels) {
      for (int p = 0; p < 36; p++)
        STORE(to + p * step, SPLAT(0));
      continue;
    }
    const float *from = w + c * channel_step;
    V g[3][3], t[3][6];
    UNROLL for (int a = 0; a < 3; a++) {
      UNROLL for (int b = 0; b < 3; b++) {
        const int tap = is_turned ? 8 - 3 * a - b : 3 * a + b;
        g[a][b] = _mm512_mask_i32gather_ps(SPLAT(0), there, at, from + tap, 4);
      }
      weights_into(g[a], t[a]);
    }
    UNROLL for (int x = 0; x < 6; x++) {
      const V column[3] = {t[0][x], t[1][x], t[2][x]};
      V o[6];
      weights_into(column, o);
      UNROLL for (int y = 0; y < 6; y++) STORE(to + (y * 6 + x) * step, o[y]);
    }
  }
}

// A dy: four elements become six.
INLINE void upstream_into(const V *d, V *o) {
  const V even = ADD(d[0], d[2]), odd = ADD(d[1], d[3]);
  const V far = FMA(SPLAT(4), d[2], d[0]), wide = FMA(SPLAT(8), d[3], ADD(d[1], d[1]));
  o[0] = d[0];
  o[1] = ADD(even, odd);
  o[2] = SUB(even, odd);
  o[3] = ADD(far, wide);
  o[4] = SUB(far, wide);
  o[5] = d[3];
}

void dl_winograd_upstream_f32__avx512(const dl_blocked_winograd *k, intptr_t first, intptr_t count,
                                      const float *in, float *v) {
  const intptr_t row = k->output[1] * LANES;
  for (intptr_t i = 0; i < count; i++, v += LANES) {
    const intptr_t top = (first + i) / k->columns * 4, left = (first + i) % k->columns * 4;
    const float *p = in + top * row + left * LANES;
    V t[6][4];
    UNROLL for (int x = 0; x < 4; x++) {
      V d[4], o[6];
      UNROLL for (int y = 0; y < 4; y++) {
        const int isThere = top + y < k->output[0] && left + x < k->output[1];
        d[y] = isThere ? LOAD(p + y * row + x * LANES) : SPLAT(0);
      }
      upstream_into(d, o);
      UNROLL for (int y = 0; y < 6; y++) t[y][x] = o[y];
    }
    UNROLL for (int y = 0; y < 6; y++) {
      V o[6];
      upstream_into(t[y], o);
      UNROLL for (int x = 0; x < 6; x++) STORE(v + (y * 6 + x) * k->out_step, o[x]);
    }
  }
}

// C channels by B blocks of outputs.
INLINE void product(const int C, const int B, float *sum, intptr_t row, const float *x,
                    const float *up, intptr_t block, intptr_t tiles, int adds) {
  V s[C][B];
  UNROLL for (int c = 0; c < C; c++) UNROLL for (int b = 0; b < B; b++) s[c][b] =
      adds ? LOAD(sum + c * row + b * LANES) : SPLAT(0);
  for (intptr_t t = 0; t < tiles; t++, x += LANES, up += LANES) {
    V u[B];
    UNROLL for (int b = 0; b < B; b++) u[b] = LOAD(up + b * block);
    UNROLL for (int c = 0; c < C; c++) {
      const V each = SPLAT(x[c]);
      UNROLL for (int b = 0; b < B; b++) s[c][b] = FMA(each, u[b], s[c][b]);
    }
  }
  UNROLL for (int c = 0; c < C; c++) UNROLL for (int b = 0; b < B; b++)
      STORE(sum + c * row + b * LANES, s[c][b]);
}

void dl_winograd_product_f32__avx512(float *sum, intptr_t row, const float *x, intptr_t channels,
                                     const float *up, intptr_t blocks, intptr_t block,
                                     intptr_t tiles, int adds) {
  const intptr_t paired = blocks / 2 * 2;
  for (intptr_t b = 0; b < paired; b += 2)
    for (intptr_t c = 0; c < channels; c += 8) {
      float *s = sum + c * row + b * LANES;
      if (channels - c > 4)
        product(8, 2, s, row, x + c, up + b * block, block, tiles, adds);
      else
        product(4, 2, s, row, x + c, up + b * block, block, tiles, adds);
    }
  if (paired == blocks)
    return;
  float *s = sum + paired * LANES;
  if (channels > 8)
    product(16, 1, s, row, x, up + paired * block, block, tiles, adds);
  else
    product(8, 1, s, row, x, up + paired * block, block, tiles, adds);
}

// G' s: six elements become three.
INLINE void weights_outof(const V *s, V *o) {
  const V near = ADD(s[1], s[2]), far = ADD(s[3], s[4]);
  const V sixth = SPLAT(1.0f / 6), twelfth = SPLAT(1.0f / 12);
  o[0] = FMA(SPLAT(0.25f), s[0], SUB(MUL(SPLAT(1.0f / 24), far), MUL(sixth, near)));
  o[1] = FMA(sixth, SUB(s[2], s[1]), MUL(twelfth, SUB(s[3], s[4])));
  o[2] = FMA(sixth, SUB(far, near), s[5]);
}

void dl_winograd_weight_gradient_f32__avx512(float *dw, intptr_t output_step, intptr_t outputs,
                                             const float *sums, intptr_t parts, intptr_t part_step,
                                             intptr_t step) {
  V t[3][6];
  UNROLL for (int x = 0; x < 6; x++) {
    V s[6], o[3];
    UNROLL for (int y = 0; y < 6; y++) {
      const float *p = sums + (y * 6 + x) * step;
      s[y] = LOAD(p);
      for (intptr_t i = 1; i < parts; i++)
        s[y] = ADD(s[y], LOAD(p + i * part_step));
    }
    weights_outof(s, o);
    UNROLL for (int y = 0; y < 3; y++) t[y][x] = o[y];
  }
  float taps[9][LANES];
  UNROLL for (int y = 0; y < 3; y++) {
    V o[3];
    weights_outof(t[y], o);
    UNROLL for (int x = 0; x < 3; x++) STORE(taps[3 * y + x], o[x]);
  }
  for (intptr_t m = 0; m < outputs; m++)
    for (int i = 0; i < 9; i++)
      dw[m * output_step + i] = taps[i][m];
}

#pragma clang attribute pop
#endif
