// Winograd's transforms of blocked images for 3x3 kernels, for one instruction set. The file that
// includes it includes its vectors and defines NAME(operation).
//
// F(m x m, 3x3): a tile of n = m + 2 inputs squared becomes B' d B, products are summed over the
// channels for each of the n squared places, and A' s A gives m outputs squared. Points 0, 1, -1
// (and 2, -2 for m = 4) and infinity; Lavin and Gray 2015 (arXiv:1509.09308).
#include "conv_common.h"

#define UNROLL _Pragma("clang loop unroll(full)")
#define INLINE static inline __attribute__((always_inline))
#define STEP __asm__ volatile("" ::: "memory")

INLINE V scaled(float a, V x, V y) { return FMA(SPLAT(a), x, y); }

// One column of B' d.
INLINE void into(const int M, const V *d, V *o) {
  if (M == 2) {
    o[0] = SUB(d[0], d[2]);
    o[1] = ADD(d[1], d[2]);
    o[2] = SUB(d[2], d[1]);
    o[3] = SUB(d[1], d[3]);
    return;
  }
  const V a = scaled(-4, d[2], d[4]), b = scaled(-4, d[1], d[3]);
  const V c = SUB(d[4], d[2]), e = MUL(SPLAT(2), SUB(d[3], d[1]));
  o[0] = scaled(4, d[0], scaled(-5, d[2], d[4]));
  o[1] = ADD(a, b);
  o[2] = SUB(a, b);
  o[3] = ADD(c, e);
  o[4] = SUB(c, e);
  o[5] = scaled(4, d[1], scaled(-5, d[3], d[5]));
}

// One column of A' s.
INLINE void outof(const int M, const V *s, V *o) {
  const V a = ADD(s[1], s[2]), b = SUB(s[1], s[2]);
  if (M == 2) {
    o[0] = ADD(s[0], a);
    o[1] = SUB(b, s[3]);
    return;
  }
  const V c = ADD(s[3], s[4]), e = SUB(s[3], s[4]);
  o[0] = ADD(s[0], ADD(a, c));
  o[1] = scaled(2, e, b);
  o[2] = scaled(4, c, a);
  o[3] = ADD(s[5], scaled(8, e, b));
}

// top, left: the tile's first input, perhaps outside of the image.
INLINE void input_tile(const int M, const int EDGE, const dl_blocked_winograd *k, intptr_t top,
                       intptr_t left, const float *in, float *v) {
  const intptr_t row = k->input[1] * LANES, step = k->in_step;
  const float *p = (const float *)((uintptr_t)in + (uintptr_t)((top * row + left * LANES) * 4));
  V t[6][6];
  UNROLL for (int x = 0; x < M + 2; x++) {
    V d[6], o[6];
    const int column = left + x >= 0 && left + x < k->input[1];
    UNROLL for (int y = 0; y < M + 2; y++) {
      const float *q = (const float *)((uintptr_t)p + (uintptr_t)((y * row + x * LANES) * 4));
      d[y] = !EDGE ? LOAD(q)
                   : LOAD_WHERE(WHOLE_IF(column && top + y >= 0 && top + y < k->input[0]), q);
    }
    into(M, d, o);
    UNROLL for (int y = 0; y < M + 2; y++) t[y][x] = o[y];
    STEP;
  }
  UNROLL for (int y = 0; y < M + 2; y++) {
    V o[6];
    into(M, t[y], o);
    UNROLL for (int x = 0; x < M + 2; x++) STORE(v + (y * (M + 2) + x) * step, o[x]);
    STEP;
  }
}

INLINE V finish(const dl_blocked_winograd *k, V v) {
  if (k->form == DL_FORM_CLAMP)
    return MIN(SPLAT(k->high), MAX(SPLAT(k->low), v));
  if (k->form == DL_FORM_GATE)
    return MUL(v, MAX(SPLAT(0), MIN(SPLAT(1), FMA(v, SPLAT(k->low), SPLAT(k->high)))));
  return v;
}

// rows, columns: outputs of the tile that exist.
INLINE void output_tile(const int M, const dl_blocked_winograd *k, intptr_t rows, intptr_t columns,
                        const float *s, V bias, const float *residual, float *out) {
  const intptr_t row = k->output[1] * LANES, step = k->out_step;
  V t[4][6];
  UNROLL for (int x = 0; x < M + 2; x++) {
    V d[6], o[4];
    UNROLL for (int y = 0; y < M + 2; y++) d[y] = LOAD(s + (y * (M + 2) + x) * step);
    outof(M, d, o);
    UNROLL for (int y = 0; y < M; y++) t[y][x] = o[y];
    STEP;
  }
  UNROLL for (int y = 0; y < M; y++) if (y < rows) {
    V o[4];
    outof(M, t[y], o);
    UNROLL for (int x = 0; x < M; x++) if (x < columns) {
      V r = ADD(o[x], bias);
      if (residual)
        r = ADD(r, LOAD(residual + y * row + x * LANES));
      STORE(out + y * row + x * LANES, finish(k, r));
    }
    STEP;
  }
}

INLINE void input_tiles(const int M, const dl_blocked_winograd *k, intptr_t first, intptr_t count,
                        const float *in, float *v) {
  for (intptr_t t = 0; t < count; t++) {
    const intptr_t top = (first + t) / k->columns * M - k->pad[0];
    const intptr_t left = (first + t) % k->columns * M - k->pad[1];
    const int isInside =
        top >= 0 && left >= 0 && top + M + 2 <= k->input[0] && left + M + 2 <= k->input[1];
    if (isInside)
      input_tile(M, 0, k, top, left, in, v + t * LANES);
    else
      input_tile(M, 1, k, top, left, in, v + t * LANES);
  }
}

void NAME(winograd_input)(const dl_blocked_winograd *k, intptr_t first, intptr_t count,
                          const float *in, float *v) {
  if (k->size == 2)
    input_tiles(2, k, first, count, in, v);
  else
    input_tiles(4, k, first, count, in, v);
}

INLINE void output_tiles(const int M, const dl_blocked_winograd *k, intptr_t first, intptr_t count,
                         const float *s, const float *bias, const float *residual, float *out) {
  const V b = LOAD(bias);
  for (intptr_t t = 0; t < count;) {
    // Tiles side by side.
    const intptr_t top = (first + t) / k->columns * M, x0 = (first + t) % k->columns;
    const intptr_t run = k->columns - x0 < count - t ? k->columns - x0 : count - t;
    const intptr_t rows = k->output[0] - top < M ? k->output[0] - top : M;
    const intptr_t start = (top * k->output[1] + x0 * M) * LANES;
    for (intptr_t i = 0; i < run; i++) {
      const intptr_t left = (x0 + i) * M, at = start + i * M * LANES;
      const intptr_t columns = k->output[1] - left < M ? k->output[1] - left : M;
      output_tile(M, k, rows, columns, s + (t + i) * LANES, b, residual ? residual + at : 0,
                  out + at);
    }
    if (k->after) {
      const intptr_t end = (x0 + run) * M < k->output[1] ? (x0 + run) * M : k->output[1];
      for (intptr_t y = 0; y < rows; y++) {
        float *p = out + start + y * k->output[1] * LANES;
        k->after(p, p, (size_t)((end - x0 * M) * LANES), k->numbers);
      }
    }
    t += run;
  }
}

void NAME(winograd_output)(const dl_blocked_winograd *k, intptr_t first, intptr_t count,
                           const float *s, const float *bias, const float *residual, float *out) {
  if (k->size == 2)
    output_tiles(2, k, first, count, s, bias, residual, out);
  else
    output_tiles(4, k, first, count, s, bias, residual, out);
}
