// Included once for each instruction set, with NAME appending its suffix.

// Columns of the input that one tile reads, and output rows that are folded before their columns
// are, so that no load waits for the store before it.
enum { NAME(SPAN) = DL_POOL_SPAN, NAME(ROOM) = DL_POOL_SPAN + 48, NAME(GROUP) = 4 };

// Every second float from p on; reads 32.
#define EVENS16(p)                                                                                 \
  __builtin_shufflevector((v16)LOAD16(p), (v16)LOAD16((p) + 16), 0, 2, 4, 6, 8, 10, 12, 14, 16,    \
                          18, 20, 22, 24, 26, 28, 30)

// to = 16 floats from p on, `step` apart.
static inline __attribute__((always_inline)) void NAME(strided)(const float *p, ptrdiff_t step,
                                                                v16 *to) {
  if (step == 1)
    *to = LOAD16(p);
  else if (step == 2)
    *to = EVENS16(p);
  else
    for (int l = 0; l < LANES; l++)
      (*to)[l] = p[l * step];
}

// The rows of a window, folded onto each other: n columns of them.
#define ROWS(NAMED, INIT, FIRST, STEP)                                                             \
  static inline __attribute__((always_inline)) void NAME(NAMED##_some_rows)(                       \
      const float *x, const ptrdiff_t *offset, ptrdiff_t count, ptrdiff_t n, float *to) {          \
    for (ptrdiff_t c = 0; c < n; c += 16) {                                                        \
      v16 a, t;                                                                                    \
      if (c + 16 <= n) {                                                                           \
        t = LOAD16(x + offset[0] + c);                                                             \
        a = FIRST(t);                                                                              \
        for (ptrdiff_t s = 1; s < count; s++) {                                                    \
          t = LOAD16(x + offset[s] + c);                                                           \
          a = STEP(a, t);                                                                          \
        }                                                                                          \
      } else {                                                                                     \
        LOAD_PART16(t, x + offset[0] + c, n - c, SPLAT16(INIT));                                   \
        a = FIRST(t);                                                                              \
        for (ptrdiff_t s = 1; s < count; s++) {                                                    \
          LOAD_PART16(t, x + offset[s] + c, n - c, SPLAT16(INIT));                                 \
          a = STEP(a, t);                                                                          \
        }                                                                                          \
      }                                                                                            \
      STORE16(to + c, a);                                                                          \
    }                                                                                              \
  }                                                                                                \
  static void NAME(NAMED##_rows)(const float *x, const ptrdiff_t *offset, ptrdiff_t count,         \
                                 ptrdiff_t n, float *to) {                                         \
    if (count == 3)                                                                                \
      NAME(NAMED##_some_rows)(x, offset, 3, n, to);                                                \
    else if (count == 2)                                                                           \
      NAME(NAMED##_some_rows)(x, offset, 2, n, to);                                                \
    else if (count > 0)                                                                            \
      NAME(NAMED##_some_rows)(x, offset, count, n, to);                                            \
    else                                                                                           \
      for (ptrdiff_t c = 0; c < n; c++)                                                            \
        to[c] = INIT;                                                                              \
  }

// The columns of w windows of such rows.
#define COLUMNS(NAMED, JOIN, LAST)                                                                 \
  static inline __attribute__((always_inline)) void NAME(NAMED##_some_columns)(                    \
      const float *from, ptrdiff_t kernel, ptrdiff_t step, ptrdiff_t dilation, ptrdiff_t w,        \
      const float *counts, float *y) {                                                             \
    for (ptrdiff_t o = 0; o < w; o += 16) {                                                        \
      v16 a, t;                                                                                    \
      NAME(strided)(from + o * step, step, &a);                                                    \
      for (ptrdiff_t k = 1; k < kernel; k++) {                                                     \
        NAME(strided)(from + o * step + k * dilation, step, &t);                                   \
        a = JOIN(a, t);                                                                            \
      }                                                                                            \
      a = LAST(a);                                                                                 \
      if (o + 16 <= w)                                                                             \
        STORE16(y + o, a);                                                                         \
      else                                                                                         \
        STORE_PART16(y + o, a, w - o);                                                             \
    }                                                                                              \
  }                                                                                                \
  static void NAME(NAMED##_columns)(const float *from, const dl_pool_line *line, ptrdiff_t w,      \
                                    const float *counts, float *y) {                               \
    const ptrdiff_t k = line->kernel, d = line->dilation, s = line->stride;                        \
    if (s == 1 && k == 3)                                                                          \
      NAME(NAMED##_some_columns)(from, 3, 1, d, w, counts, y);                                     \
    else if (s == 2 && k == 3)                                                                     \
      NAME(NAMED##_some_columns)(from, 3, 2, d, w, counts, y);                                     \
    else if (s == 1)                                                                               \
      NAME(NAMED##_some_columns)(from, k, 1, d, w, counts, y);                                     \
    else if (s == 2)                                                                               \
      NAME(NAMED##_some_columns)(from, k, 2, d, w, counts, y);                                     \
    else                                                                                           \
      NAME(NAMED##_some_columns)(from, k, s, d, w, counts, y);                                     \
  }
#define SELF(t) (t)
#define SQUARE(t) ((t) * (t))
#define ADD(a, t) ((a) + (t))
#define ADD_ABS(a, t) ((a) + ABS16(t))
#define ADD_SQUARE(a, t) ((a) + (t) * (t))
ROWS(max, -__builtin_inff(), SELF, POOL_MAX16)
ROWS(sum, 0.0f, SELF, ADD)
ROWS(abs, 0.0f, ABS16, ADD_ABS)
ROWS(square, 0.0f, SQUARE, ADD_SQUARE)
#define SHARED(a) ((a) / LOAD16(counts + o))
#define ROOT(a) __builtin_elementwise_sqrt(a)
COLUMNS(max, POOL_MAX16, SELF)
COLUMNS(sum, ADD, SELF)
COLUMNS(mean, ADD, SHARED)
COLUMNS(root, ADD, ROOT)

void NAME(dl_pool_f32_window)(int kind, const float *x, const ptrdiff_t *start,
                              const ptrdiff_t *offset, const ptrdiff_t *row_counts, ptrdiff_t rows,
                              const dl_pool_line *line, const ptrdiff_t *column_counts, float *y) {
  void (*fold)(const float *, const ptrdiff_t *, ptrdiff_t, ptrdiff_t, float *) =
      kind == 0   ? NAME(max_rows)
      : kind == 1 ? NAME(sum_rows)
      : kind == 2 ? NAME(abs_rows)
                  : NAME(square_rows);
  void (*columns)(const float *, const dl_pool_line *, ptrdiff_t, const float *, float *) =
      kind == 0       ? NAME(max_columns)
      : kind == 3     ? NAME(root_columns)
      : column_counts ? NAME(mean_columns)
                      : NAME(sum_columns);
  const float none = kind == 0 ? -__builtin_inff() : 0.0f;
  const ptrdiff_t step = line->stride, reach = (line->kernel - 1) * line->dilation;
  const ptrdiff_t most = ((NAME(SPAN) - 1 - reach) / step + 1) / 16 * 16;
  float lines[NAME(GROUP)][NAME(ROOM)], counts[NAME(SPAN)] = {0};
  for (ptrdiff_t first = 0; first < line->output; first += most) {
    const ptrdiff_t w = line->output - first < most ? line->output - first : most;
    // Column b of the tile is column `left + b` of the input; lanes behind w read up to `span`.
    const ptrdiff_t left = first * step - line->pad;
    const ptrdiff_t span = ((w + 15) / 16 * 16 - 1) * step + reach + 2;
    ptrdiff_t begin = left < 0 ? -left : 0, end = line->input - left;
    begin = begin < span ? begin : span;
    end = end < begin ? begin : end < span ? end : span;
    for (ptrdiff_t g = 0; g < NAME(GROUP); g++) {
      for (ptrdiff_t b = 0; b < begin; b++)
        lines[g][b] = none;
      for (ptrdiff_t b = end; b < span; b++)
        lines[g][b] = none;
    }
    ptrdiff_t counted = -1;
    for (ptrdiff_t r = 0; r < rows; r += NAME(GROUP)) {
      const ptrdiff_t some = rows - r < NAME(GROUP) ? rows - r : NAME(GROUP);
      for (ptrdiff_t g = 0; g < some; g++) {
        const ptrdiff_t s = start[r + g];
        fold(x + left + begin, offset + s, start[r + g + 1] - s, end - begin, lines[g] + begin);
      }
      for (ptrdiff_t g = 0; g < some; g++) {
        float *to = y + (r + g) * line->output + first;
        if (column_counts && row_counts[r + g] != counted) {
          counted = row_counts[r + g];
          for (ptrdiff_t o = 0; o < w; o++)
            counts[o] = (float)(counted * column_counts[first + o]);
        }
        columns(lines[g], line, w, counts, to);
      }
    }
  }
}

// The place of the largest element of output o, among taps within the row.
static void NAME(place_one)(const float *x, const ptrdiff_t *offset, ptrdiff_t count,
                            const dl_pool_line *line, ptrdiff_t o, ptrdiff_t base, float *y,
                            int64_t *places) {
  float best = -__builtin_inff();
  ptrdiff_t place = -1;
  for (ptrdiff_t s = 0; s < count; s++)
    for (ptrdiff_t k = 0; k < line->kernel; k++) {
      const ptrdiff_t c = o * line->stride - line->pad + k * line->dilation;
      if (c < 0 || c >= line->input)
        continue;
      const float v = x[offset[s] + c];
      if (place < 0 || v > best || (v != v && best == best)) {
        best = v;
        place = offset[s] + c;
      }
    }
  y[o] = best;
  places[o] = place < 0 ? -1 : base + place;
}

typedef int64_t NAME(v16l) __attribute__((vector_size(128)));
typedef int64_t NAME(v16lu) __attribute__((vector_size(128), aligned(8), may_alias));

static inline __attribute__((always_inline)) void
NAME(place_some)(const float *x, const ptrdiff_t *offset, ptrdiff_t count, const dl_pool_line *line,
                 ptrdiff_t step, ptrdiff_t o, ptrdiff_t base, float *y, int64_t *places) {
  const ptrdiff_t at = o * step - line->pad;
  v16 best, v;
  NAME(strided)(x + offset[0] + at, step, &best);
  v16i place = FIRST16 * (int32_t)step + (int32_t)(offset[0] + at);
  const v16i lanes = FIRST16 * (int32_t)step;
  for (ptrdiff_t s = 0; s < count; s++)
    for (ptrdiff_t k = s == 0; k < line->kernel; k++) {
      const ptrdiff_t c = offset[s] + at + k * line->dilation;
      NAME(strided)(x + c, step, &v);
      const v16i wins = (v16i)(v > best) | ((v16i)(v != v) & (v16i)(best == best));
      best = SELECT16(wins, v, best);
      const v16i here = lanes + (int32_t)c;
      place = (wins & here) | (~wins & place);
    }
  STORE16(y + o, best);
  *(NAME(v16lu) *)(places + o) = __builtin_convertvector(place, NAME(v16l)) + (int64_t)base;
}

void NAME(dl_pool_f32_places)(const float *x, const float *limit, const ptrdiff_t *start,
                              const ptrdiff_t *offset, ptrdiff_t rows, const dl_pool_line *line,
                              ptrdiff_t base, float *y, int64_t *places) {
  const ptrdiff_t step = line->stride, reach = (line->kernel - 1) * line->dilation;
  // The outputs all of whose taps lie in the row.
  ptrdiff_t lo = (line->pad + step - 1) / step, room = line->input - 1 - reach + line->pad;
  ptrdiff_t hi = room < 0 ? 0 : room / step + 1;
  lo = lo < line->output ? lo : line->output;
  hi = hi < line->output ? hi : line->output;
  hi = hi < lo ? lo : hi;
  for (ptrdiff_t r = 0; r < rows; r++, y += line->output, places += line->output) {
    const ptrdiff_t *from = offset + start[r];
    const ptrdiff_t count = start[r + 1] - start[r];
    ptrdiff_t o = 0;
    for (; o < (count > 0 ? lo : line->output); o++)
      NAME(place_one)(x, from, count, line, o, base, y, places);
    while (o < hi && hi - lo >= 16) {
      const ptrdiff_t at = o + 16 <= hi ? o : hi - 16;
      // Pairs of vectors read one element more than the last tap.
      if (limit - x - from[count - 1] < at * step - line->pad + reach + 15 * step + 2)
        break;
      if (step == 1)
        NAME(place_some)(x, from, count, line, 1, at, base, y, places);
      else if (step == 2)
        NAME(place_some)(x, from, count, line, 2, at, base, y, places);
      else
        NAME(place_some)(x, from, count, line, step, at, base, y, places);
      o = at + 16;
    }
    for (; o < line->output; o++)
      NAME(place_one)(x, from, count, line, o, base, y, places);
  }
}

#include "planes_body.h"

#undef EVENS16
#undef ROWS
#undef COLUMNS
#undef SELF
#undef SHARED
#undef ROOT
#undef SQUARE
#undef ADD
#undef ADD_ABS
#undef ADD_SQUARE
