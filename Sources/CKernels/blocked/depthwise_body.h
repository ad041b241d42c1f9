// Depthwise convolution of one block of channels, for one instruction set. The
// file that includes it includes its vectors and defines NAME and MOST, the
// most pixels of a strip: 7 or 8. With GROUPED it is one of groups of channels
// that are narrower than a block: a sum over the lanes of a group, each of
// which is put into all lanes of its group in turn.
#include "conv_common.h"

#define UNROLL _Pragma("clang loop unroll(full)")
#define ROLLED _Pragma("clang loop unroll(disable) vectorize(disable)")
#define INLINE static inline __attribute__((always_inline))

INLINE V finish(const dl_blocked_depthwise *d, V v) {
  if (d->form == DL_FORM_CLAMP)
    return MIN(SPLAT(d->high), MAX(SPLAT(d->low), v));
  if (d->form == DL_FORM_GATE)
    return MUL(v, MAX(SPLAT(0), MIN(SPLAT(1), FMA(v, SPLAT(d->low), SPLAT(d->high)))));
  return v;
}

// The widest window that has strips of its own, whose weights stay in 32 registers.
#if GROUPED
#define GROUP(d) ((d)->group)
enum { WIDEST = 7 };
#else
#define GROUP(d) 1
enum { WIDEST = 11 };
#endif

// P pixels of a row under K taps at stride S of each plane. Each input is
// loaded once for all its taps; where EDGE, only those that `inside` names.
INLINE void strip(const int K, const int S, const int P, const int EDGE,
                  const dl_blocked_depthwise *d, const WHOLE *inside, intptr_t rows,
                  const float *in, const float *w, V bias, const float *residual, float *out) {
  V sum[8];
  UNROLL for (int i = 0; i < P; i++) sum[i] = bias;
  const intptr_t step = d->dilation[0] * d->input[1] * LANES, group = GROUP(d);
  ROLLED for (intptr_t plane = 0; plane < d->planes; plane++) {
    uintptr_t at = (uintptr_t)in + (uintptr_t)(plane * d->plane_step) * 4;
    const float *taps = w + plane * d->taps[0] * group * K * LANES;
    ROLLED for (intptr_t a = 0; a < rows; a++) {
      ROLLED for (intptr_t j = 0; j < group; j++) {
        V weight[WIDEST];
        UNROLL for (int k = 0; k < K; k++) weight[k] = LOAD(taps + k * LANES);
#if GROUPED
        const PLACES lane = LANE_OF(group, j);
#endif
        UNROLL for (int x = 0; x < (P - 1) * S + K; x++) {
          const float *p = (const float *)(at + (uintptr_t)x * LANES * 4);
          V v = EDGE ? LOAD_WHERE(inside[x], p) : LOAD(p);
#if GROUPED
          v = TAKE(v, lane);
#endif
          UNROLL for (int i = 0; i < P; i++) if (x - i * S >= 0 && x - i * S < K) sum[i] =
              FMA(v, weight[x - i * S < 0 || x - i * S >= K ? 0 : x - i * S], sum[i]);
        }
        taps += K * LANES;
      }
      at += (uintptr_t)step * 4;
    }
  }
  if (residual)
    UNROLL for (int i = 0; i < P; i++) sum[i] = ADD(sum[i], LOAD(residual + i * LANES));
  UNROLL for (int i = 0; i < P; i++) STORE(out + i * LANES, finish(d, sum[i]));
}

typedef void (*strip_fn)(const dl_blocked_depthwise *, const WHOLE *, intptr_t, const float *,
                         const float *, V, const float *, float *);

#define DEFINE(K, S, P, E)                                                                         \
  static void strip_##K##_##S##_##P##_##E(const dl_blocked_depthwise *d, const WHOLE *inside,      \
                                          intptr_t rows, const float *in, const float *w, V bias,  \
                                          const float *residual, float *out) {                     \
    strip(K, S, P, E, d, inside, rows, in, w, bias, residual, out);                                \
  }
#define EACH_P(F, K, S, E)                                                                         \
  F(K, S, 1, E)                                                                                    \
  F(K, S, 2, E)                                                                                    \
  F(K, S, 3, E) F(K, S, 4, E) F(K, S, 5, E) F(K, S, 6, E) F(K, S, 7, E) F(K, S, 8, E)
#define EACH(F, E)                                                                                 \
  EACH_P(F, 1, 1, E)                                                                               \
  EACH_P(F, 3, 1, E)                                                                               \
  EACH_P(F, 3, 2, E)                                                                               \
  EACH_P(F, 5, 1, E) EACH_P(F, 5, 2, E) EACH_P(F, 7, 1, E) EACH_P(F, 7, 2, E) EACH_WIDE(F, E)
#if GROUPED
#define EACH_WIDE(F, E)
#else
#define EACH_WIDE(F, E) EACH_P(F, 9, 1, E) EACH_P(F, 11, 1, E)
#endif
EACH(DEFINE, 0)
EACH(DEFINE, 1)
#define ENTRY(K, S, P, E) [E][K / 2][S - 1][P - 1] = strip_##K##_##S##_##P##_##E,
static const strip_fn strips[2][WIDEST / 2 + 1][2][8] = {EACH(ENTRY, 0) EACH(ENTRY, 1)};

// Any window, P pixels of a row at a time: a tap's weight is loaded once for all of them.
INLINE void pixels(const int P, const dl_blocked_depthwise *d, intptr_t rows, intptr_t left,
                   const float *in, const float *w, V bias, const float *residual, float *out) {
  const intptr_t S = d->stride[1], width = d->input[1];
  V sum[8];
  UNROLL for (int i = 0; i < P; i++) sum[i] = bias;
  for (intptr_t plane = 0; plane < d->planes; plane++) {
    const float *p = in + plane * d->plane_step;
    const float *taps = w + plane * d->taps[0] * GROUP(d) * d->taps[1] * LANES;
    for (intptr_t a = 0; a < rows; a++)
      for (intptr_t b = 0; b < d->taps[1]; b++) {
        const intptr_t x = left + b * d->dilation[1];
        const float *row = p + a * d->dilation[0] * width * LANES;
#if GROUPED
        for (intptr_t j = 0; j < d->group; j++) {
          const V weight = LOAD(taps + ((a * d->group + j) * d->taps[1] + b) * LANES);
          UNROLL for (int i = 0; i < P; i++) if (x + i * S >= 0 && x + i * S < width) sum[i] =
              FMA(TAKE(LOAD(row + (x + i * S) * LANES), LANE_OF(d->group, j)), weight, sum[i]);
        }
#else
        const V weight = LOAD(taps + (a * d->taps[1] + b) * LANES);
        if (x >= 0 && x + (P - 1) * S < width) {
          UNROLL for (int i = 0; i < P; i++) sum[i] =
              FMA(LOAD(row + (x + i * S) * LANES), weight, sum[i]);
        } else {
          UNROLL for (int i = 0; i < P; i++) if (x + i * S >= 0 && x + i * S < width) sum[i] =
              FMA(LOAD(row + (x + i * S) * LANES), weight, sum[i]);
        }
#endif
      }
  }
  if (residual)
    UNROLL for (int i = 0; i < P; i++) sum[i] = ADD(sum[i], LOAD(residual + i * LANES));
  UNROLL for (int i = 0; i < P; i++) STORE(out + i * LANES, finish(d, sum[i]));
}

void NAME(const dl_blocked_depthwise *d, intptr_t first, intptr_t rows, const float *in,
          const float *w, const float *bias, const float *residual, float *out) {
  const intptr_t K = d->taps[1], S = d->stride[1], width = d->output[1];
  const int isPlain =
      K == 1 ? S == 1 : K % 2 == 1 && K <= (S == 1 ? WIDEST : 7) && S <= 2 && d->dilation[1] == 1;
  const intptr_t count = (width + MOST - 1) / MOST;
  const V start = LOAD(bias);
  WHOLE edges[3][7 * 2 + WIDEST];
  for (intptr_t h = first; h < first + rows; h++) {
    intptr_t a0, a1;
    dl_blocked_taps(d, 0, h, &a0, &a1);
    const intptr_t top = h * d->stride[0] - d->pad[0] + a0 * d->dilation[0];
    const float *row = in + (a0 < a1 ? top : 0) * d->input[1] * LANES;
    const float *taps = w + a0 * GROUP(d) * K * LANES;
    float *y = out + h * width * LANES;
    const float *z = residual ? residual + h * width * LANES : 0;
    if (!isPlain) {
      intptr_t x = 0;
      for (; x + MOST <= width; x += MOST)
        pixels(MOST, d, a1 - a0, x * S - d->pad[1], row, taps, start, z ? z + x * LANES : 0,
               y + x * LANES);
      for (; x + 4 <= width; x += 4)
        pixels(4, d, a1 - a0, x * S - d->pad[1], row, taps, start, z ? z + x * LANES : 0,
               y + x * LANES);
      for (; x < width; x++)
        pixels(1, d, a1 - a0, x * S - d->pad[1], row, taps, start, z ? z + x * LANES : 0,
               y + x * LANES);
    } else {
      intptr_t x = 0;
      for (intptr_t i = 0; i < count; i++) {
        const intptr_t n = (width - x + count - i - 1) / (count - i);
        const intptr_t left = x * S - d->pad[1], reach = (n - 1) * S + K;
        const int isEdge = left < 0 || left + reach > d->input[1];
        // Masks of the first and the last strip serve all rows.
        WHOLE *inside = edges[i == 0 ? 0 : i == count - 1 ? 1 : 2];
        if (isEdge && (h == first || (i != 0 && i != count - 1)))
          for (intptr_t t = 0; t < reach; t++)
            inside[t] = WHOLE_IF(left + t >= 0 && left + t < d->input[1]);
        const float *p = (const float *)((uintptr_t)row + (uintptr_t)(left * LANES * 4));
        strips[isEdge][K / 2][S - 1][n - 1](d, inside, a1 - a0, p, taps, start,
                                            z ? z + x * LANES : 0, y + x * LANES);
        x += n;
      }
    }
    if (d->after)
      d->after(y, y, (size_t)(width * LANES), d->numbers);
  }
}
