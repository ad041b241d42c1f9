// Included once for each instruction set, with NAME appending its suffix.

// The sign bit where the smallest is sought: turning signs turns the order.
#define SIGN(least) ((v16i){} + ((least) ? INT32_MIN : 0))
#define TURNED(v, sign) ((v16)((v16i)(v) ^ (sign)))
#define PICK16(acc, x) SELECT16((x) > (acc), x, acc)

static int64_t NAME(arg_row)(const float *x, ptrdiff_t n, int least, int last) {
  const v16i sign = SIGN(least);
  const v16 none = SPLAT16(-__builtin_inff());
  v16 a = none, b = none, t, u;
  v16i bad = {};
  ptrdiff_t i = 0;
  for (; i + 32 <= n; i += 32) {
    t = TURNED(LOAD16(x + i), sign);
    u = TURNED(LOAD16(x + i + 16), sign);
    bad |= (v16i)(t != t) | (v16i)(u != u);
    a = PICK16(a, t);
    b = PICK16(b, u);
  }
  for (; i < n; i += 16) {
    t = none;
    if (i + 16 <= n)
      t = TURNED(LOAD16(x + i), sign);
    else {
      LOAD_PART16(t, x + i, n - i, TURNED(none, sign));
      t = TURNED(t, sign);
    }
    bad |= (v16i)(t != t);
    a = PICK16(a, t);
  }
  a = PICK16(a, b);
  const int has_nan = __builtin_reduce_or(bad) != 0;
  float top = a[0];
  for (int l = 1; l < LANES; l++)
    top = a[l] > top ? a[l] : top;
  top = least ? -top : top;
#define FOUND(v) (has_nan ? (v) != (v) : (v) == top)
  if (last) {
    for (i = n; i >= 16; i -= 16) {
      t = LOAD16(x + i - 16);
      if (__builtin_reduce_or(has_nan ? (v16i)(t != t) : (v16i)(t == top)) != 0)
        break;
    }
    while (i > 0 && !FOUND(x[i - 1]))
      i--;
    return i - 1;
  }
  for (i = 0; i + 16 <= n; i += 16) {
    t = LOAD16(x + i);
    if (__builtin_reduce_or(has_nan ? (v16i)(t != t) : (v16i)(t == top)) != 0)
      break;
  }
  while (i < n && !FOUND(x[i]))
    i++;
  return i;
#undef FOUND
}

// `count` vectors of columns at once, the last of them with w columns.
static inline __attribute__((always_inline)) void
NAME(arg_some_columns)(const float *x, ptrdiff_t n, ptrdiff_t m, int count, ptrdiff_t w, int least,
                       int last, int64_t *y) {
  const v16i sign = SIGN(least);
  v16 best[4], t;
  v16i place[4];
  for (ptrdiff_t i = 0; i < n; i++)
    for (int c = 0; c < count; c++) {
      if (w == 16)
        t = LOAD16(x + i * m + 16 * c);
      else
        LOAD_PART16(t, x + i * m + 16 * c, w, (v16){});
      t = TURNED(t, sign);
      if (i == 0) {
        best[c] = t;
        place[c] = (v16i){};
        continue;
      }
      // NaN before all, the first or the last of equals.
      const v16i known = (v16i)(best[c] == best[c]);
      const v16i wins =
          last ? (known & ~(v16i)(t < best[c])) | (v16i)(t != t) : known & ~(v16i)(t <= best[c]);
      best[c] = SELECT16(wins, t, best[c]);
      place[c] = (wins & ((v16i){} + (int32_t)i)) | (~wins & place[c]);
    }
  for (int c = 0; c < count; c++)
    for (int l = 0; l < w; l++)
      y[16 * c + l] = place[c][l];
}

void NAME(dl_arg_f32_cols)(const float *x, ptrdiff_t n, ptrdiff_t m, ptrdiff_t j0, ptrdiff_t w,
                           int least, int last, int64_t *y) {
  ptrdiff_t j = j0;
  const ptrdiff_t end = j0 + w;
  for (; j + 64 <= end; j += 64)
    if (last)
      NAME(arg_some_columns)(x + j, n, m, 4, 16, least, 1, y + j);
    else
      NAME(arg_some_columns)(x + j, n, m, 4, 16, least, 0, y + j);
  for (; j + 16 <= end; j += 16)
    NAME(arg_some_columns)(x + j, n, m, 1, 16, least, last, y + j);
  if (j < end)
    NAME(arg_some_columns)(x + j, n, m, 1, end - j, least, last, y + j);
}

void NAME(dl_arg_f32_rows)(const float *x, ptrdiff_t rows, ptrdiff_t n, int least, int last,
                           int64_t *y) {
  if (n <= DL_SHORT_ROW) {
    float tile[DL_SHORT_ROW * DL_TURNED];
    for (ptrdiff_t r = 0; r < rows; r += DL_TURNED) {
      const ptrdiff_t some = rows - r < DL_TURNED ? rows - r : DL_TURNED;
      NAME(turn)(x + r * n, some, n, tile);
      NAME(dl_arg_f32_cols)(tile, n, DL_TURNED, 0, some, least, last, y + r);
    }
    return;
  }
  for (ptrdiff_t r = 0; r < rows; r++)
    y[r] = NAME(arg_row)(x + r * n, n, least, last);
}

#undef SIGN
#undef TURNED
#undef PICK16
