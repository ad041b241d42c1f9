// Included once for each instruction set, with NAME appending its suffix.

// e^t for t <= 0; 0 where that is below the normal numbers, whose arithmetic is slow. NaN stays.
#ifndef FALLING_EXP16
#define FALLING_EXP16(t)                                                                           \
  do {                                                                                             \
    v16 w_ = (t);                                                                                  \
    v16 e_ = SELECT16(w_ < -87.0f, SPLAT16(-87.0f), w_);                                           \
    EXP16(e_);                                                                                     \
    (t) = SELECT16(w_ < -87.0f, (v16){}, e_);                                                      \
  } while (0)
#endif

// Of two that are numbers; NaN need not be kept, since its exponential makes all NaN.
#define LARGER16(acc, x) SELECT16((x) > (acc), x, acc)

// The largest lane.
static inline float NAME(top_lane)(const v16 *lanes) {
  v16 m = *lanes;
  v16 x = __builtin_shufflevector(m, m, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
  m = LARGER16(m, x);
  x = __builtin_shufflevector(m, m, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3);
  m = LARGER16(m, x);
  x = __builtin_shufflevector(m, m, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1);
  m = LARGER16(m, x);
  x = __builtin_shufflevector(m, m, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0);
  m = LARGER16(m, x);
  return m[0];
}

// The sum of the lanes in double, halves onto halves.
static inline double NAME(lane_sum)(const v16 *lanes) {
  const v16 s = *lanes;
  typedef double v8d __attribute__((vector_size(64)));
  typedef float v8f __attribute__((vector_size(32)));
  const v8f low = __builtin_shufflevector(s, s, 0, 1, 2, 3, 4, 5, 6, 7);
  const v8f high = __builtin_shufflevector(s, s, 8, 9, 10, 11, 12, 13, 14, 15);
  v8d d = __builtin_convertvector(low, v8d) + __builtin_convertvector(high, v8d);
  d += __builtin_shufflevector(d, d, 4, 5, 6, 7, 0, 1, 2, 3);
  d += __builtin_shufflevector(d, d, 2, 3, 0, 1, 2, 3, 0, 1);
  d += __builtin_shufflevector(d, d, 1, 0, 1, 0, 1, 0, 1, 0);
  return d[0];
}

// Rows of at most 8 elements, 16 rows at once: lane l works on row l.
static void NAME(narrow_rows)(int log, const float *x, ptrdiff_t rows, ptrdiff_t n, float *y) {
  for (ptrdiff_t r = 0; r < rows; r += 16, x += 16 * n, y += 16 * n) {
    const ptrdiff_t c = rows - r < 16 ? rows - r : 16;
    float block[16 * 8] = {0};
    memcpy(block, x, (size_t)(c * n) * sizeof(float));
    v16 t[8], top = SPLAT16(-__builtin_inff()), s = {};
    for (ptrdiff_t i = 0; i < n; i++) {
      for (int l = 0; l < LANES; l++)
        t[i][l] = block[l * n + i];
      top = LARGER16(top, t[i]);
    }
    for (ptrdiff_t i = 0; i < n; i++) {
      v16 e = t[i] - top;
      if (log)
        t[i] = e;
      FALLING_EXP16(e);
      s += e;
      if (!log)
        t[i] = e;
    }
    if (log)
      for (int l = 0; l < LANES; l++)
        s[l] = __builtin_logf(s[l]);
    for (ptrdiff_t i = 0; i < n; i++) {
      const v16 v = log ? t[i] - s : t[i] / s;
      for (int l = 0; l < LANES; l++)
        block[l * n + i] = v[l];
    }
    memcpy(y, block, (size_t)(c * n) * sizeof(float));
  }
}

void NAME(dl_softmax_f32_rows)(int log, const float *x, ptrdiff_t rows, ptrdiff_t n, float *y) {
  const float none = -__builtin_inff();
  if (n <= 8) {
    NAME(narrow_rows)(log, x, rows, n, y);
    return;
  }
  for (ptrdiff_t r = 0; r < rows; r++, x += n, y += n) {
    v16 m = SPLAT16(none), m1 = m, s = {}, t;
    ptrdiff_t from = 0;
    for (; from + 32 <= n; from += 32) {
      t = LOAD16(x + from);
      m = LARGER16(m, t);
      t = LOAD16(x + from + 16);
      m1 = LARGER16(m1, t);
    }
    for (; from < n; from += 16) {
      if (from + 16 <= n)
        t = LOAD16(x + from);
      else
        LOAD_PART16(t, x + from, n - from, SPLAT16(none));
      m = LARGER16(m, t);
    }
    m = LARGER16(m, m1);
    const float top = NAME(top_lane)(&m);
    for (ptrdiff_t i = 0; i < n; i += 16) {
      if (i + 16 <= n) {
        t = LOAD16(x + i) - top;
        FALLING_EXP16(t);
        if (!log)
          STORE16(y + i, t);
      } else {
        LOAD_PART16(t, x + i, n - i, SPLAT16(none));
        // Lanes past the end: -inf less a largest of -inf would be NaN in the sum.
        t -= top;
        t = KEEP_PART16(t, n - i, SPLAT16(-1000.0f));
        FALLING_EXP16(t);
        if (!log)
          STORE_PART16(y + i, t, n - i);
      }
      s += t;
    }
    const double total = NAME(lane_sum)(&s);
    const float scale = log ? (float)__builtin_log(total) : (float)(1.0 / total);
    ptrdiff_t i = 0;
    if (log) {
      for (; i + 16 <= n; i += 16)
        STORE16(y + i, (LOAD16(x + i) - top) - scale);
      if (i < n) {
        LOAD_PART16(t, x + i, n - i, (v16){});
        t = (t - top) - scale;
        STORE_PART16(y + i, t, n - i);
      }
    } else {
      for (; i + 16 <= n; i += 16)
        STORE16(y + i, LOAD16(y + i) * scale);
      if (i < n) {
        LOAD_PART16(t, y + i, n - i, (v16){});
        t *= scale;
        STORE_PART16(y + i, t, n - i);
      }
    }
  }
}

// At most 8 columns lie side by side: as many rows as fit are one vector, whose lane l is of column
// l % m.
static void NAME(narrow_columns)(int log, const float *x, ptrdiff_t n, ptrdiff_t m, float *y) {
  const ptrdiff_t w = 16 / m * m, all = n * m;
  const v16 none = SPLAT16(-__builtin_inff());
  v16 top = none, s = {}, t;
  for (ptrdiff_t i = 0; i < all; i += w) {
    const ptrdiff_t c = all - i < w ? all - i : w;
    LOAD_PART16(t, x + i, c, none);
    top = LARGER16(top, t);
  }
  for (ptrdiff_t l = m; l < w; l++) {
    const float v = top[l];
    if (v > top[l % m] || v != v)
      top[l % m] = v;
  }
  for (ptrdiff_t l = m; l < 16; l++)
    top[l] = top[l % m];
  // Lanes past the end are -inf and add nothing; where the largest is -inf too all is NaN anyway.
  for (ptrdiff_t i = 0; i < all; i += w) {
    const ptrdiff_t c = all - i < w ? all - i : w;
    LOAD_PART16(t, x + i, c, none);
    t -= top;
    FALLING_EXP16(t);
    s += t;
    if (!log)
      STORE_PART16(y + i, t, c);
  }
  v16 scale = {};
  for (ptrdiff_t j = 0; j < m; j++) {
    double sum = 0;
    for (ptrdiff_t l = j; l < w; l += m)
      sum += s[l];
    const float v = log ? (float)__builtin_log(sum) : (float)(1.0 / sum);
    for (ptrdiff_t l = j; l < 16; l += m)
      scale[l] = v;
  }
  for (ptrdiff_t i = 0; i < all; i += w) {
    const ptrdiff_t c = all - i < w ? all - i : w;
    LOAD_PART16(t, (log ? x : y) + i, c, (v16){});
    t = log ? (t - top) - scale : t * scale;
    STORE_PART16(y + i, t, c);
  }
}

void NAME(dl_softmax_f32_cols)(int log, const float *x, ptrdiff_t n, ptrdiff_t m, ptrdiff_t j0,
                               ptrdiff_t w, float *y) {
  if (m <= 8 && w == m) {
    NAME(narrow_columns)(log, x, n, m, y);
    return;
  }
  for (ptrdiff_t j = j0; j < j0 + w; j += 16) {
    ptrdiff_t c = j0 + w - j < 16 ? j0 + w - j : 16;
    v16 top = SPLAT16(-__builtin_inff()), s = {}, t;
    for (ptrdiff_t i = 0; i < n; i++) {
      LOAD_PART16(t, x + i * m + j, c, (v16){});
      top = LARGER16(top, t);
    }
    for (ptrdiff_t i = 0; i < n; i++) {
      LOAD_PART16(t, x + i * m + j, c, (v16){});
      t -= top;
      FALLING_EXP16(t);
      s += t;
      if (!log)
        STORE_PART16(y + i * m + j, t, c);
    }
    if (log)
      for (int l = 0; l < c; l++)
        s[l] = __builtin_logf(s[l]);
    for (ptrdiff_t i = 0; i < n; i++) {
      if (log) {
        LOAD_PART16(t, x + i * m + j, c, (v16){});
        t = (t - top) - s;
      } else {
        LOAD_PART16(t, y + i * m + j, c, (v16){});
        t /= s;
      }
      STORE_PART16(y + i * m + j, t, c);
    }
  }
}
#undef LARGER16
