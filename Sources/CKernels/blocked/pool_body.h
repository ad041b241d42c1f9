// Poolings of one block of channels, for one instruction set. The file that includes it includes
// its vectors and defines NAME(operation).
#include "conv_common.h"

#define UNROLL _Pragma("clang loop unroll(full)")
#define INLINE static inline __attribute__((always_inline))

// P outputs side by side under windows of K columns at stride S: each column is taken together
// once, for all windows that it belongs to.
INLINE void most_strip(const int K, const int S, const int P, const float *p, intptr_t rows,
                       intptr_t row, float *y) {
  V most[P];
  BAD bad[P];
  UNROLL for (int i = 0; i < P; i++) {
    most[i] = SPLAT(-__builtin_inff());
    bad[i] = NO_BAD;
  }
  UNROLL for (int x = 0; x < (P - 1) * S + K; x++) {
    const float *q = p + x * LANES;
    V column = SPLAT(-__builtin_inff());
    BAD here = NO_BAD;
    for (intptr_t a = 0; a < rows; a++, q += row) {
      const V v = LOAD(q);
      column = MAX(v, column);
      here = NOTE_NAN(here, v, v);
    }
    UNROLL for (int i = 0; i < P; i++) if (x - i * S >= 0 && x - i * S < K) {
      most[i] = MAX(column, most[i]);
      bad[i] = BOTH_BAD(bad[i], here);
    }
  }
  UNROLL for (int i = 0; i < P; i++) STORE(y + i * LANES, SPOIL(most[i], bad[i]));
}

INLINE void mean_strip(const int K, const int S, const int P, const float *p, intptr_t rows,
                       intptr_t row, float *y, const float *share) {
  V sum[P];
  UNROLL for (int i = 0; i < P; i++) sum[i] = SPLAT(0);
  UNROLL for (int x = 0; x < (P - 1) * S + K; x++) {
    const float *q = p + x * LANES;
    V column = SPLAT(0);
    for (intptr_t a = 0; a < rows; a++, q += row)
      column = ADD(column, LOAD(q));
    UNROLL for (int i = 0; i < P; i++) if (x - i * S >= 0 && x - i * S < K) sum[i] =
        ADD(sum[i], column);
  }
  UNROLL for (int i = 0; i < P; i++) STORE(y + i * LANES, MUL(sum[i], SPLAT(share[i])));
}

// Strips of 4 or 1 outputs; windows of three rows, the most frequent, have code of their own.
#define STRIP(name, P, ...)                                                                        \
  if (K == 3 && S == 1 && rows == 3)                                                               \
    name(3, 1, P, p, 3, __VA_ARGS__);                                                              \
  else if (K == 3 && S == 2 && rows == 3)                                                          \
    name(3, 2, P, p, 3, __VA_ARGS__);                                                              \
  else if (K == 3)                                                                                 \
    S == 1 ? name(3, 1, P, p, rows, __VA_ARGS__) : name(3, 2, P, p, rows, __VA_ARGS__);            \
  else                                                                                             \
    S == 1 ? name(2, 1, P, p, rows, __VA_ARGS__) : name(2, 2, P, p, rows, __VA_ARGS__);

static void most_strips(intptr_t K, intptr_t S, intptr_t count, const float *p, intptr_t rows,
                        intptr_t row, float *y) {
  for (; count >= 4; count -= 4, p += 4 * S * LANES, y += 4 * LANES) {
    STRIP(most_strip, 4, row, y)
  }
  for (; count > 0; count--, p += S * LANES, y += LANES) {
    STRIP(most_strip, 1, row, y)
  }
}

static void mean_strips(intptr_t K, intptr_t S, intptr_t count, const float *p, intptr_t rows,
                        intptr_t row, float *y, float height, const float *widths) {
  for (; count > 0;) {
    const intptr_t n = count >= 4 ? 4 : 1;
    float share[4];
    for (intptr_t i = 0; i < n; i++)
      share[i] = 1.0f / (height * widths[i]);
    if (n == 4) {
      STRIP(mean_strip, 4, row, y, share)
    } else {
      STRIP(mean_strip, 1, row, y, share)
    }
    count -= n;
    widths += n;
    p += n * S * LANES;
    y += n * LANES;
  }
}

// The columns whose windows lie inside, all taps side by side: first <= x < end.
static void inner_columns(const dl_blocked_depthwise *d, intptr_t *first, intptr_t *end) {
  *first = *end = 0;
  if (d->dilation[1] != 1 || d->taps[1] < 2 || d->taps[1] > 3 || d->stride[1] > 2)
    return;
  const intptr_t s = d->stride[1], room = d->input[1] - d->taps[1] + d->pad[1];
  *first = (d->pad[1] + s - 1) / s;
  *end = room < 0 ? 0 : room / s + 1;
  *end = *end < d->output[1] ? *end : d->output[1];
  *first = *first < *end ? *first : *end;
}

void NAME(max_pool)(const dl_blocked_depthwise *d, intptr_t first, intptr_t rows, const float *in,
                    float *out) {
  const intptr_t row = d->dilation[0] * d->input[1] * LANES;
  intptr_t inner, outer;
  inner_columns(d, &inner, &outer);
  for (intptr_t h = first; h < first + rows; h++) {
    intptr_t a0, a1, b0, b1;
    dl_blocked_taps(d, 0, h, &a0, &a1);
    const intptr_t top = h * d->stride[0] - d->pad[0] + a0 * d->dilation[0];
    float *y = out + h * d->output[1] * LANES;
    for (intptr_t x = 0; x < d->output[1]; x++) {
      if (x == inner && x < outer) {
        most_strips(d->taps[1], d->stride[1], outer - inner,
                    in + (top * d->input[1] + x * d->stride[1] - d->pad[1]) * LANES, a1 - a0, row,
                    y + x * LANES);
        x = outer - 1;
        continue;
      }
      dl_blocked_taps(d, 1, x, &b0, &b1);
      const intptr_t left = x * d->stride[1] - d->pad[1] + b0 * d->dilation[1];
      const float *p = in + (top * d->input[1] + left) * LANES;
      V most = SPLAT(-__builtin_inff());
      BAD bad = NO_BAD;
      for (intptr_t a = a0; a < a1; a++, p += row) {
        const float *q = p;
        for (intptr_t b = b0; b < b1; b++, q += d->dilation[1] * LANES) {
          const V v = LOAD(q);
          most = MAX(v, most);
          bad = NOTE_NAN(bad, v, v);
        }
      }
      STORE(y + x * LANES, SPOIL(most, bad));
    }
  }
}

void NAME(average_pool)(const dl_blocked_depthwise *d, intptr_t first, intptr_t rows,
                        const float *in, float *out, const float *row_counts,
                        const float *column_counts) {
  const intptr_t row = d->dilation[0] * d->input[1] * LANES;
  intptr_t inner, outer;
  inner_columns(d, &inner, &outer);
  for (intptr_t h = first; h < first + rows; h++) {
    intptr_t a0, a1, b0, b1;
    dl_blocked_taps(d, 0, h, &a0, &a1);
    const intptr_t top = h * d->stride[0] - d->pad[0] + a0 * d->dilation[0];
    float *y = out + h * d->output[1] * LANES;
    for (intptr_t x = 0; x < d->output[1]; x++) {
      if (x == inner && x < outer) {
        mean_strips(d->taps[1], d->stride[1], outer - inner,
                    in + (top * d->input[1] + x * d->stride[1] - d->pad[1]) * LANES, a1 - a0, row,
                    y + x * LANES, row_counts[h], column_counts + x);
        x = outer - 1;
        continue;
      }
      const V share = SPLAT(1.0f / (row_counts[h] * column_counts[x]));
      dl_blocked_taps(d, 1, x, &b0, &b1);
      const intptr_t left = x * d->stride[1] - d->pad[1] + b0 * d->dilation[1];
      const float *p = in + (top * d->input[1] + left) * LANES;
      V sum = SPLAT(0);
      for (intptr_t a = a0; a < a1; a++, p += row) {
        const float *q = p;
        for (intptr_t b = b0; b < b1; b++, q += d->dilation[1] * LANES)
          sum = ADD(sum, LOAD(q));
      }
      STORE(y + x * LANES, MUL(sum, share));
    }
  }
}

void NAME(mean)(const float *in, intptr_t pixels, float *out) {
  V sum[4] = {SPLAT(0), SPLAT(0), SPLAT(0), SPLAT(0)};
  intptr_t p = 0;
  for (; p + 4 <= pixels; p += 4)
    for (int i = 0; i < 4; i++)
      sum[i] = ADD(sum[i], LOAD(in + (p + i) * LANES));
  for (; p < pixels; p++)
    sum[0] = ADD(sum[0], LOAD(in + p * LANES));
  STORE(out, DIV(ADD(ADD(sum[0], sum[1]), ADD(sum[2], sum[3])), SPLAT((float)pixels)));
}
