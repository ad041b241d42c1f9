// Winograd's transforms of blocked images, for one instruction set. The file that includes it
// includes its vectors and defines NAME(operation).
//
// Along an axis n inputs of a tile become the n elements of B' d, which meet as many of the
// weights, and A' s makes m outputs of their products' sums over the channels; in an image rows are
// taken after columns. F(2, 3) and F(4, 3) have the points 0, 1, -1 (2, -2) and infinity (Lavin and
// Gray 2015, arXiv:1509.09308). With stride 2 the first and third of three taps meet every other
// input, as F(3, 2) with the points 0, 1, -1 and infinity, and the second tap the inputs between.
#include "conv_common.h"

#define UNROLL _Pragma("clang loop unroll(full)")
#define INLINE static inline __attribute__((always_inline))
#define STEP __asm__ volatile("" ::: "memory")

// Of an axis: outputs of a tile, its inputs and places, and the stride.
#define OUTPUTS(K)                                                                                 \
  ((K) == DL_WINOGRAD_ONE ? 1 : (K) == DL_WINOGRAD_TWO ? 2 : (K) == DL_WINOGRAD_FOUR ? 4 : 3)
#define POINTS(K)                                                                                  \
  ((K) == DL_WINOGRAD_ONE ? 1 : (K) == DL_WINOGRAD_TWO ? 4 : (K) == DL_WINOGRAD_FOUR ? 6 : 7)
#define STRIDE(K) ((K) == DL_WINOGRAD_HALF ? 2 : 1)
enum { MOST_POINTS = 7, MOST_OUTPUTS = 4 };

INLINE V scaled(float a, V x, V y) { return FMA(SPLAT(a), x, y); }

// B' d.
INLINE void into(const int K, const V *d, V *o) {
  if (K == DL_WINOGRAD_ONE) {
    o[0] = d[0];
  } else if (K == DL_WINOGRAD_TWO) {
    o[0] = SUB(d[0], d[2]);
    o[1] = ADD(d[1], d[2]);
    o[2] = SUB(d[2], d[1]);
    o[3] = SUB(d[1], d[3]);
  } else if (K == DL_WINOGRAD_HALF) {
    o[0] = SUB(d[0], d[4]);
    o[1] = ADD(d[2], d[4]);
    o[2] = SUB(d[4], d[2]);
    o[3] = SUB(d[2], d[6]);
    o[4] = d[1];
    o[5] = d[3];
    o[6] = d[5];
  } else {
    const V a = scaled(-4, d[2], d[4]), b = scaled(-4, d[1], d[3]);
    const V c = SUB(d[4], d[2]), e = MUL(SPLAT(2), SUB(d[3], d[1]));
    o[0] = scaled(4, d[0], scaled(-5, d[2], d[4]));
    o[1] = ADD(a, b);
    o[2] = SUB(a, b);
    o[3] = ADD(c, e);
    o[4] = SUB(c, e);
    o[5] = scaled(4, d[1], scaled(-5, d[3], d[5]));
  }
}

// A' s.
INLINE void outof(const int K, const V *s, V *o) {
  if (K == DL_WINOGRAD_ONE) {
    o[0] = s[0];
    return;
  }
  const V a = ADD(s[1], s[2]), b = SUB(s[1], s[2]);
  if (K == DL_WINOGRAD_TWO) {
    o[0] = ADD(s[0], a);
    o[1] = SUB(b, s[3]);
  } else if (K == DL_WINOGRAD_HALF) {
    o[0] = ADD(ADD(s[0], a), s[4]);
    o[1] = ADD(b, s[5]);
    o[2] = ADD(SUB(a, s[3]), s[6]);
  } else {
    const V c = ADD(s[3], s[4]), e = SUB(s[3], s[4]);
    o[0] = ADD(s[0], ADD(a, c));
    o[1] = scaled(2, e, b);
    o[2] = scaled(4, c, a);
    o[3] = ADD(s[5], scaled(8, e, b));
  }
}

// The first output of a tile along an axis, and how many of its outputs exist.
INLINE intptr_t first_output(const int K, intptr_t tile, intptr_t dilation) {
  return dilation == 1 ? tile * OUTPUTS(K)
                       : tile / dilation * (OUTPUTS(K) * dilation) + tile % dilation;
}

INLINE intptr_t outputs_there(const int K, intptr_t first, intptr_t dilation, intptr_t all) {
  const intptr_t count = first < all ? (all - first + dilation - 1) / dilation : 0;
  return count < OUTPUTS(K) ? count : OUTPUTS(K);
}

// top, left: the tile's first input, perhaps outside of the image.
INLINE void input_tile(const int H, const int W, const int EDGE, const dl_blocked_winograd *k,
                       intptr_t top, intptr_t left, const float *in, float *v) {
  const intptr_t line = k->input[1] * LANES, step = k->in_step;
  const intptr_t down = k->dilation[0], along = k->dilation[1];
  const intptr_t row = line * down, pixel = LANES * along;
  const float *p = (const float *)((uintptr_t)in + (uintptr_t)((top * line + left * LANES) * 4));
  V t[MOST_POINTS][MOST_POINTS];
  UNROLL for (int x = 0; x < POINTS(W); x++) {
    V d[MOST_POINTS], o[MOST_POINTS];
    const int column = left + x * along >= 0 && left + x * along < k->input[1];
    UNROLL for (int y = 0; y < POINTS(H); y++) {
      const float *q = (const float *)((uintptr_t)p + (uintptr_t)((y * row + x * pixel) * 4));
      d[y] = !EDGE
                 ? LOAD(q)
                 : LOAD_WHERE(
                       WHOLE_IF(column && top + y * down >= 0 && top + y * down < k->input[0]), q);
    }
    into(H, d, o);
    UNROLL for (int y = 0; y < POINTS(H); y++) t[y][x] = o[y];
    STEP;
  }
  UNROLL for (int y = 0; y < POINTS(H); y++) {
    V o[MOST_POINTS];
    into(W, t[y], o);
    UNROLL for (int x = 0; x < POINTS(W); x++) STORE(v + (y * POINTS(W) + x) * step, o[x]);
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
INLINE void output_tile(const int H, const int W, const int DENSE, const dl_blocked_winograd *k,
                        intptr_t rows, intptr_t columns, const float *s, V bias,
                        const float *residual, float *out) {
  const intptr_t row = k->output[1] * LANES * (DENSE ? 1 : k->dilation[0]), step = k->out_step;
  const intptr_t pixel = DENSE ? LANES : LANES * k->dilation[1];
  V t[MOST_OUTPUTS][MOST_POINTS];
  UNROLL for (int x = 0; x < POINTS(W); x++) {
    V d[MOST_POINTS], o[MOST_OUTPUTS];
    UNROLL for (int y = 0; y < POINTS(H); y++) d[y] = LOAD(s + (y * POINTS(W) + x) * step);
    outof(H, d, o);
    UNROLL for (int y = 0; y < OUTPUTS(H); y++) t[y][x] = o[y];
    STEP;
  }
  UNROLL for (int y = 0; y < OUTPUTS(H); y++) if (y < rows) {
    V o[MOST_OUTPUTS];
    outof(W, t[y], o);
    UNROLL for (int x = 0; x < OUTPUTS(W); x++) if (x < columns) {
      V r = ADD(o[x], bias);
      if (residual)
        r = ADD(r, LOAD(residual + y * row + x * pixel));
      STORE(out + y * row + x * pixel, finish(k, r));
    }
    STEP;
  }
}

INLINE void input_tiles(const int H, const int W, const dl_blocked_winograd *k, intptr_t first,
                        intptr_t count, const float *in, float *v) {
  const intptr_t down = (POINTS(H) - 1) * k->dilation[0], along = (POINTS(W) - 1) * k->dilation[1];
  intptr_t line = first / k->columns, column = first % k->columns;
  for (intptr_t t = 0; t < count; t++) {
    const intptr_t y = first_output(H, line, k->dilation[0]);
    const intptr_t x = first_output(W, column, k->dilation[1]);
    if (++column == k->columns) {
      column = 0;
      line++;
    }
    const intptr_t top = y * STRIDE(H) - k->pad[0], left = x * STRIDE(W) - k->pad[1];
    const int isInside =
        top >= 0 && left >= 0 && top + down < k->input[0] && left + along < k->input[1];
    if (isInside)
      input_tile(H, W, 0, k, top, left, in, v + t * LANES);
    else
      input_tile(H, W, 1, k, top, left, in, v + t * LANES);
  }
}

// The function where it has no form in registers: of the outputs of tiles side by side, still in
// the first-level cache. Between the pixels of dilated tiles lie those of others.
INLINE void finish_run(const dl_blocked_winograd *k, intptr_t rows, intptr_t pixels, float *out) {
  for (intptr_t y = 0; y < rows; y++) {
    float *p = out + y * k->dilation[0] * k->output[1] * LANES;
    if (k->dilation[1] == 1)
      k->after(p, p, (size_t)(pixels * LANES), k->numbers);
    else
      for (intptr_t x = 0; x < pixels; x++)
        k->after(p + x * k->dilation[1] * LANES, p + x * k->dilation[1] * LANES, LANES, k->numbers);
  }
}

INLINE void output_tiles(const int H, const int W, const int DENSE, const dl_blocked_winograd *k,
                         intptr_t first, intptr_t count, const float *s, const float *bias,
                         const float *residual, float *out) {
  const V b = LOAD(bias);
  const intptr_t down = DENSE ? 1 : k->dilation[0], along = DENSE ? 1 : k->dilation[1];
  // The tiles side by side whose outputs have none of others between them.
  intptr_t begun = 0, pixels = 0;
  intptr_t line = first / k->columns, column = first % k->columns;
  for (intptr_t t = 0; t < count; t++) {
    const intptr_t y = first_output(H, line, down);
    const intptr_t x = first_output(W, column, along);
    if (++column == k->columns) {
      column = 0;
      line++;
    }
    const intptr_t rows = outputs_there(H, y, down, k->output[0]);
    const intptr_t columns = outputs_there(W, x, along, k->output[1]);
    const intptr_t at = (y * k->output[1] + x) * LANES;
    output_tile(H, W, DENSE, k, rows, columns, s + t * LANES, b, residual ? residual + at : 0,
                out + at);
    if (!k->after)
      continue;
    begun = pixels == 0 ? at : begun;
    pixels += columns;
    if (along > 1 || column == 0 || t + 1 == count) {
      finish_run(k, rows, pixels, out + begun);
      pixels = 0;
    }
  }
}

#define TILES(X, ...)                                                                              \
  do {                                                                                             \
    if (k->axis[0] == DL_WINOGRAD_TWO)                                                             \
      X(DL_WINOGRAD_TWO, DL_WINOGRAD_TWO, __VA_ARGS__);                                            \
    else if (k->axis[0] == DL_WINOGRAD_HALF)                                                       \
      X(DL_WINOGRAD_HALF, DL_WINOGRAD_HALF, __VA_ARGS__);                                          \
    else if (k->axis[0] == DL_WINOGRAD_ONE)                                                        \
      X(DL_WINOGRAD_ONE, DL_WINOGRAD_FOUR, __VA_ARGS__);                                           \
    else if (k->axis[1] == DL_WINOGRAD_ONE)                                                        \
      X(DL_WINOGRAD_FOUR, DL_WINOGRAD_ONE, __VA_ARGS__);                                           \
    else                                                                                           \
      X(DL_WINOGRAD_FOUR, DL_WINOGRAD_FOUR, __VA_ARGS__);                                          \
  } while (0)

void NAME(winograd_input)(const dl_blocked_winograd *k, intptr_t first, intptr_t count,
                          const float *in, float *v) {
  TILES(input_tiles, k, first, count, in, v);
}

void NAME(winograd_output)(const dl_blocked_winograd *k, intptr_t first, intptr_t count,
                           const float *s, const float *bias, const float *residual, float *out) {
  if (k->dilation[0] == 1 && k->dilation[1] == 1)
    TILES(output_tiles, 1, k, first, count, s, bias, residual, out);
  else
    TILES(output_tiles, 0, k, first, count, s, bias, residual, out);
}
