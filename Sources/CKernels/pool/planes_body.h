// Included once for each instruction set, with NAME appending its suffix. Small planes: sixteen of
// them side by side in the lanes, so that no window is cut.

// The rows of a window folded onto each other: n columns of them.
#define DOWN(NAMED, FIRST, STEP)                                                                   \
  static void NAME(NAMED##_down)(const v16 *x, const ptrdiff_t *offset, ptrdiff_t count,           \
                                 ptrdiff_t n, v16 *to) {                                           \
    for (ptrdiff_t c = 0; c < n; c++) {                                                            \
      v16 t = x[offset[0] + c], a = FIRST(t);                                                      \
      for (ptrdiff_t s = 1; s < count; s++) {                                                      \
        t = x[offset[s] + c];                                                                      \
        a = STEP(a, t);                                                                            \
      }                                                                                            \
      to[c] = a;                                                                                   \
    }                                                                                              \
  }
DOWN(max, SELF, POOL_MAX16)
DOWN(sum, SELF, ADD)
DOWN(abs, ABS16, ADD_ABS)
DOWN(square, SQUARE, ADD_SQUARE)
#undef DOWN

// The columns of such rows, each with the taps that lie in the input.
#define ACROSS(NAMED, JOIN)                                                                        \
  static void NAME(NAMED##_across)(const v16 *from, const dl_pool_line *line, float none,          \
                                   v16 *to) {                                                      \
    const ptrdiff_t d = line->dilation;                                                            \
    for (ptrdiff_t o = 0; o < line->output; o++) {                                                 \
      const ptrdiff_t at = o * line->stride - line->pad;                                           \
      ptrdiff_t k = at < 0 ? (d - 1 - at) / d : 0;                                                 \
      ptrdiff_t end = at < line->input ? (line->input - 1 - at) / d + 1 : 0;                       \
      end = end < line->kernel ? end : line->kernel;                                               \
      v16 a = SPLAT16(none);                                                                       \
      if (k < end)                                                                                 \
        a = from[at + k * d];                                                                      \
      for (k++; k < end; k++) {                                                                    \
        const v16 t = from[at + k * d];                                                            \
        a = JOIN(a, t);                                                                            \
      }                                                                                            \
      to[o] = a;                                                                                   \
    }                                                                                              \
  }
ACROSS(max, POOL_MAX16)
ACROSS(sum, ADD)
#undef ACROSS

void NAME(dl_pool_f32_planes)(int kind, const float *x, ptrdiff_t size, ptrdiff_t planes,
                              const ptrdiff_t *start, const ptrdiff_t *offset,
                              const ptrdiff_t *row_counts, ptrdiff_t rows, const dl_pool_line *line,
                              const ptrdiff_t *column_counts, float *y) {
  v16 in[DL_POOL_PLANE], out[DL_POOL_PLANE], folded[DL_POOL_PLANE];
  void (*down)(const v16 *, const ptrdiff_t *, ptrdiff_t, ptrdiff_t, v16 *) =
      kind == 0   ? NAME(max_down)
      : kind == 1 ? NAME(sum_down)
      : kind == 2 ? NAME(abs_down)
                  : NAME(square_down);
  const float none = kind == 0 ? -__builtin_inff() : 0.0f;
  const ptrdiff_t outputs = rows * line->output;
  for (ptrdiff_t p = 0; p < planes; p += 16) {
    const ptrdiff_t some = planes - p < 16 ? planes - p : 16;
    if (some < 16)
      memset(in, 0, (size_t)size * sizeof *in);
    TURN_TILES(in, 64, x + p * size, size * 4, some, size);
    for (ptrdiff_t r = 0; r < rows; r++) {
      v16 *to = out + r * line->output;
      const ptrdiff_t count = start[r + 1] - start[r];
      if (count > 0)
        down(in, offset + start[r], count, line->input, folded);
      for (ptrdiff_t c = 0; count == 0 && c < line->input; c++)
        folded[c] = SPLAT16(none);
      if (kind == 0)
        NAME(max_across)(folded, line, none, to);
      else
        NAME(sum_across)(folded, line, none, to);
      for (ptrdiff_t o = 0; kind == 3 && o < line->output; o++)
        to[o] = ROOT(to[o]);
      for (ptrdiff_t o = 0; column_counts && o < line->output; o++)
        to[o] = to[o] / (float)(row_counts[r] * column_counts[o]);
    }
    TURN_TILES(y + p * outputs, outputs * 4, out, 64, outputs, some);
  }
}
