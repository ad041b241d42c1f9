// Poolings of one block of channels, for one instruction set. The file that includes it includes
// its vectors and defines NAME(operation).
#include "conv_common.h"

#define UNROLL _Pragma("clang loop unroll(full)")
#define INLINE static inline __attribute__((always_inline))

// The largest of `rows` rows of K neighbours.
INLINE V most_of(const int K, const float *p, intptr_t rows, intptr_t row) {
  V most = SPLAT(-__builtin_inff());
  BAD bad = NO_BAD;
  for (intptr_t a = 0; a < rows; a++, p += row) {
    V v[3];
    UNROLL for (int k = 0; k < K; k++) v[k] = LOAD(p + k * LANES);
    UNROLL for (int k = 0; k < K; k++) most = MAX(v[k], most);
    bad = NOTE_NAN(bad, v[0], v[1]);
    if (K == 3)
      bad = NOTE_NAN(bad, v[K - 1], v[K - 1]);
  }
  return SPOIL(most, bad);
}

INLINE V sum_of(const int K, const float *p, intptr_t rows, intptr_t row) {
  V sum = SPLAT(0);
  for (intptr_t a = 0; a < rows; a++, p += row)
    UNROLL for (int k = 0; k < K; k++) sum = ADD(sum, LOAD(p + k * LANES));
  return sum;
}

// The columns whose windows lie inside, all taps side by side: first <= x < end.
static void inner_columns(const dl_blocked_depthwise *d, intptr_t *first, intptr_t *end) {
  *first = *end = 0;
  if (d->dilation[1] != 1 || d->taps[1] < 2 || d->taps[1] > 3)
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
      if (x >= inner && x < outer) {
        const float *p = in + (top * d->input[1] + x * d->stride[1] - d->pad[1]) * LANES;
        STORE(y + x * LANES,
              d->taps[1] == 3 ? most_of(3, p, a1 - a0, row) : most_of(2, p, a1 - a0, row));
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
      const V share = SPLAT(1.0f / (row_counts[h] * column_counts[x]));
      if (x >= inner && x < outer) {
        const float *p = in + (top * d->input[1] + x * d->stride[1] - d->pad[1]) * LANES;
        const V sum = d->taps[1] == 3 ? sum_of(3, p, a1 - a0, row) : sum_of(2, p, a1 - a0, row);
        STORE(y + x * LANES, MUL(sum, share));
        continue;
      }
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
