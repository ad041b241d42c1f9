// Included once for each instruction set, with NAME appending its suffix.

// The lanes of `m` folded onto each other, halves onto halves, so that no step waits for 16 others.
#define FOLD_LANES(m, STEP)                                                                        \
  do {                                                                                             \
    v16 x_ = __builtin_shufflevector(m, m, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);  \
    m = STEP(m, x_);                                                                               \
    x_ = __builtin_shufflevector(m, m, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3);            \
    m = STEP(m, x_);                                                                               \
    x_ = __builtin_shufflevector(m, m, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1);            \
    m = STEP(m, x_);                                                                               \
    x_ = __builtin_shufflevector(m, m, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0);            \
    m = STEP(m, x_);                                                                               \
  } while (0)

// The sum of the lanes in double, in pairs.
static inline double NAME(lane_total)(const v16 *lanes) {
  double d[8];
  for (int l = 0; l < 8; l++)
    d[l] = (double)(*lanes)[l] + (double)(*lanes)[l + 8];
  return ((d[0] + d[4]) + (d[1] + d[5])) + ((d[2] + d[6]) + (d[3] + d[7]));
}

#define SUM_ROW(NAMED, MAP)                                                                        \
  static float NAME(NAMED)(const float *x, ptrdiff_t n) {                                          \
    double total = 0;                                                                              \
    for (ptrdiff_t b = 0; b < n; b += 2048) {                                                      \
      ptrdiff_t m = n - b < 2048 ? n - b : 2048, i = 0;                                            \
      const float *p = x + b;                                                                      \
      v16 s0 = {}, s1 = {}, s2 = {}, s3 = {}, t;                                                   \
      for (; i + 64 <= m; i += 64) {                                                               \
        t = LOAD16(p + i), s0 += MAP(t);                                                           \
        t = LOAD16(p + i + 16), s1 += MAP(t);                                                      \
        t = LOAD16(p + i + 32), s2 += MAP(t);                                                      \
        t = LOAD16(p + i + 48), s3 += MAP(t);                                                      \
      }                                                                                            \
      for (; i + 16 <= m; i += 16)                                                                 \
        t = LOAD16(p + i), s0 += MAP(t);                                                           \
      if (i < m) {                                                                                 \
        LOAD_PART16(t, p + i, m - i, (v16){});                                                     \
        s1 += MAP(t);                                                                              \
      }                                                                                            \
      s0 = (s0 + s1) + (s2 + s3);                                                                  \
      total += NAME(lane_total)(&s0);                                                              \
    }                                                                                              \
    return (float)total;                                                                           \
  }
#define SELF(t) (t)
#define SQUARE(t) ((t) * (t))
SUM_ROW(row_sum, SELF)
SUM_ROW(row_abs, ABS16)
SUM_ROW(row_sq, SQUARE)

// NaN is looked for beside, so that a step is a single instruction.
#define PICK_ROW(NAMED, INIT, OP)                                                                  \
  static float NAME(NAMED)(const float *x, ptrdiff_t n) {                                          \
    v16 a = SPLAT16(INIT), b = a, c = a, d = a, t, u, v, w;                                        \
    v16i bad = {};                                                                                 \
    ptrdiff_t i = 0;                                                                               \
    for (; i + 64 <= n; i += 64) {                                                                 \
      t = LOAD16(x + i), u = LOAD16(x + i + 16);                                                   \
      v = LOAD16(x + i + 32), w = LOAD16(x + i + 48);                                              \
      bad |= (v16i)(t != t) | (v16i)(u != u) | (v16i)(v != v) | (v16i)(w != w);                    \
      a = STEP_BY(OP, a, t), b = STEP_BY(OP, b, u);                                                \
      c = STEP_BY(OP, c, v), d = STEP_BY(OP, d, w);                                                \
    }                                                                                              \
    for (; i < n; i += 16) {                                                                       \
      if (i + 16 <= n)                                                                             \
        t = LOAD16(x + i);                                                                         \
      else                                                                                         \
        LOAD_PART16(t, x + i, n - i, SPLAT16(INIT));                                               \
      bad |= (v16i)(t != t);                                                                       \
      a = STEP_BY(OP, a, t);                                                                       \
    }                                                                                              \
    if (__builtin_reduce_or(bad) != 0)                                                             \
      return __builtin_nanf("");                                                                   \
    b = STEP_BY(OP, b, d), a = STEP_BY(OP, a, c), a = STEP_BY(OP, a, b);                           \
    FOLD_LANES(a, STEP_##NAMED);                                                                   \
    return a[0];                                                                                   \
  }
#define STEP_BY(OP, acc, x) SELECT16((x)OP(acc), x, acc)
#define STEP_row_max(acc, x) STEP_BY(>, acc, x)
#define STEP_row_min(acc, x) STEP_BY(<, acc, x)
PICK_ROW(row_max, -__builtin_inff(), >)
PICK_ROW(row_min, __builtin_inff(), <)
#undef STEP_BY
#undef STEP_row_max
#undef STEP_row_min

static float NAME(row_prod)(const float *x, ptrdiff_t n) {
  v16 a = SPLAT16(1.0f), t;
  ptrdiff_t i = 0;
  for (; i + 16 <= n; i += 16)
    a *= LOAD16(x + i);
  if (i < n) {
    LOAD_PART16(t, x + i, n - i, SPLAT16(1.0f));
    a *= t;
  }
  float product = 1;
  for (int l = 0; l < LANES; l++)
    product *= a[l];
  return product;
}

static float NAME(row_lse)(const float *x, ptrdiff_t n) {
  float top = NAME(row_max)(x, n);
  if (!(top < __builtin_inff() && top > -__builtin_inff()))
    return top;
  double total = 0;
  for (ptrdiff_t b = 0; b < n; b += 2048) {
    ptrdiff_t m = n - b < 2048 ? n - b : 2048;
    v16 s = {};
    for (ptrdiff_t i = 0; i < m; i += 16) {
      v16 t;
      if (i + 16 <= m)
        t = LOAD16(x + b + i);
      else
        LOAD_PART16(t, x + b + i, m - i, SPLAT16(-__builtin_inff()));
      t -= top;
      EXP16(t);
      s += t;
    }
    for (int l = 0; l < LANES; l++)
      total += s[l];
  }
  return top + (float)__builtin_log(total);
}

ptrdiff_t NAME(dl_next_beyond_f32)(const float *x, ptrdiff_t i, ptrdiff_t n, float t, int largest) {
  for (; i + 16 <= n; i += 16) {
    const v16 v = LOAD16(x + i);
    const v16i within = largest ? (v16i)(v <= t) : (v16i)(v >= t);
    if (__builtin_reduce_and(within) == 0)
      break;
  }
  for (; i < n; i++)
    if (largest ? !(x[i] <= t) : !(x[i] >= t))
      return i;
  return n;
}

ptrdiff_t NAME(dl_next_row_beyond_f32)(const float *x, ptrdiff_t i, ptrdiff_t n, ptrdiff_t m,
                                       ptrdiff_t w, const float *t, int largest, uint32_t *which) {
  v16 worst, v;
  LOAD_PART16(worst, t, w, (v16){});
  for (; i < n; i++) {
    if (w == 16)
      v = LOAD16(x + i * m);
    else
      LOAD_PART16(v, x + i * m, w, (v16){});
    const v16i within = largest ? (v16i)(v <= worst) : (v16i)(v >= worst);
    if (__builtin_reduce_and(within) != 0)
      continue;
    uint32_t bits = 0;
    for (int l = 0; l < w; l++)
      bits |= (uint32_t)(within[l] == 0) << l;
    *which = bits;
    return i;
  }
  *which = 0;
  return n;
}

// w <= 512 columns of [n, m]; sums in blocks of 64 rows, four rows at a time, so that memory is
// read in long runs.
#define COLS(NAMED, INIT, BLOCK, FIRST, STEP, JOIN)                                                \
  static void NAME(NAMED)(const float *x, ptrdiff_t n, ptrdiff_t m, ptrdiff_t w, float *y) {       \
    const ptrdiff_t count = (w + 15) / 16, part = w % 16;                                          \
    v16 total[32], sums[32], a, t;                                                                 \
    for (ptrdiff_t v = 0; v < count; v++)                                                          \
      total[v] = SPLAT16(INIT);                                                                    \
    for (ptrdiff_t b = 0; b < n; b += BLOCK) {                                                     \
      const ptrdiff_t end = n - b < BLOCK ? n : b + BLOCK;                                         \
      for (ptrdiff_t v = 0; v < count; v++)                                                        \
        sums[v] = SPLAT16(INIT);                                                                   \
      for (ptrdiff_t i = b; i < end; i += 4) {                                                     \
        const ptrdiff_t some = end - i < 4 ? end - i : 4;                                          \
        const float *p = x + i * m;                                                                \
        ptrdiff_t v = 0;                                                                           \
        for (; v < w / 16; v++, p += 16) {                                                         \
          t = LOAD16(p), a = FIRST(t);                                                             \
          if (some == 4) {                                                                         \
            t = LOAD16(p + m), a = STEP(a, t);                                                     \
            t = LOAD16(p + 2 * m), a = STEP(a, t);                                                 \
            t = LOAD16(p + 3 * m), a = STEP(a, t);                                                 \
          } else                                                                                   \
            for (ptrdiff_t k = 1; k < some; k++)                                                   \
              t = LOAD16(p + k * m), a = STEP(a, t);                                               \
          sums[v] = JOIN(sums[v], a);                                                              \
        }                                                                                          \
        if (part == 0)                                                                             \
          continue;                                                                                \
        LOAD_PART16(t, p, part, SPLAT16(INIT));                                                    \
        a = FIRST(t);                                                                              \
        for (ptrdiff_t k = 1; k < some; k++) {                                                     \
          LOAD_PART16(t, p + k * m, part, SPLAT16(INIT));                                          \
          a = STEP(a, t);                                                                          \
        }                                                                                          \
        sums[v] = JOIN(sums[v], a);                                                                \
      }                                                                                            \
      for (ptrdiff_t v = 0; v < count; v++)                                                        \
        total[v] = JOIN(total[v], sums[v]);                                                        \
    }                                                                                              \
    for (ptrdiff_t v = 0; v < w / 16; v++)                                                         \
      STORE16(y + 16 * v, total[v]);                                                               \
    if (part)                                                                                      \
      STORE_PART16(y + w - part, total[w / 16], part);                                             \
  }
#define ADD(a, t) ((a) + (t))
#define ADD_ABS(a, t) ((a) + ABS16(t))
#define ADD_SQUARE(a, t) ((a) + (t) * (t))
#define TIMES(a, t) ((a) * (t))
COLS(cols_sum, 0.0f, 64, SELF, ADD, ADD)
COLS(cols_abs, 0.0f, 64, ABS16, ADD_ABS, ADD)
COLS(cols_sq, 0.0f, 64, SQUARE, ADD_SQUARE, ADD)
COLS(cols_max, -__builtin_inff(), 1024, SELF, MAX16, MAX16)
COLS(cols_min, __builtin_inff(), 1024, SELF, MIN16, MIN16)
COLS(cols_prod, 1.0f, 1024, SELF, TIMES, TIMES)

// At most 16 columns.
static void NAME(cols_lse)(const float *x, ptrdiff_t n, ptrdiff_t m, ptrdiff_t w, float *y) {
  NAME(cols_max)(x, n, m, w, y);
  v16 top, total = {};
  LOAD_PART16(top, y, w, (v16){});
  // Where the largest is not finite, it is the result.
  v16i plain = (top - top) == (v16){};
  v16 shift = SELECT16(plain, top, (v16){});
  for (ptrdiff_t b = 0; b < n; b += 64) {
    ptrdiff_t end = n - b < 64 ? n : b + 64;
    v16 a = {};
    for (ptrdiff_t i = b; i < end; i++) {
      v16 t;
      LOAD_PART16(t, x + i * m, w, (v16){});
      t -= shift;
      EXP16(t);
      a += t;
    }
    total += a;
  }
  for (int l = 0; l < w; l++)
    y[l] = plain[l] ? top[l] + __builtin_logf(total[l]) : top[l];
}

void NAME(dl_reduce_f32_cols)(int kind, const float *x, ptrdiff_t n, ptrdiff_t m, ptrdiff_t j0,
                              ptrdiff_t w, float *y) {
  void (*cols)(const float *, ptrdiff_t, ptrdiff_t, ptrdiff_t, float *) =
      kind == 0   ? NAME(cols_sum)
      : kind == 1 ? NAME(cols_abs)
      : kind == 2 ? NAME(cols_sq)
      : kind == 3 ? NAME(cols_max)
      : kind == 4 ? NAME(cols_min)
      : kind == 5 ? NAME(cols_prod)
                  : NAME(cols_lse);
  const ptrdiff_t most = kind > 5 ? 16 : 512;
  for (ptrdiff_t j = j0; j < j0 + w; j += most) {
    ptrdiff_t left = j0 + w - j;
    cols(x + j, n, m, left < most ? left : most, y + j);
  }
}

void NAME(dl_reduce_f32_rows)(int kind, const float *x, ptrdiff_t rows, ptrdiff_t n, float *y) {
  if (n > 0 && n <= DL_SHORT_ROW && rows > 1) {
    float tile[DL_SHORT_ROW * DL_TURNED];
    for (ptrdiff_t r = 0; r < rows; r += DL_TURNED) {
      const ptrdiff_t some = rows - r < DL_TURNED ? rows - r : DL_TURNED;
      NAME(turn)(x + r * n, some, n, tile);
      NAME(dl_reduce_f32_cols)(kind, tile, n, DL_TURNED, 0, some, y + r);
    }
    return;
  }
  float (*row)(const float *, ptrdiff_t) = kind == 0   ? NAME(row_sum)
                                           : kind == 1 ? NAME(row_abs)
                                           : kind == 2 ? NAME(row_sq)
                                           : kind == 3 ? NAME(row_max)
                                           : kind == 4 ? NAME(row_min)
                                           : kind == 5 ? NAME(row_prod)
                                                       : NAME(row_lse);
  for (ptrdiff_t r = 0; r < rows; r++)
    y[r] = row(x + r * n, n);
}

#undef FOLD_LANES
#undef SUM_ROW
#undef SELF
#undef SQUARE
#undef PICK_ROW
#undef COLS
#undef ADD
#undef ADD_ABS
#undef ADD_SQUARE
#undef TIMES
