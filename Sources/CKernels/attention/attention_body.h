// Included once for each instruction set, with NAME appending its suffix, PART the first n (< 16)
// floats at p with `fill` in the other lanes, PUT their store, LARGER the larger of two vectors,
// LARGEST and TOTAL of a vector's lanes, and FALLING_EXP e^t for t <= 0.

// Adds the masks to the keys that a row sees, low to high, and gives their largest. False where it
// sees none.
static inline int NAME(attention_top)(const dl_attention_rows *a, ptrdiff_t r, ptrdiff_t low,
                                      ptrdiff_t high, float *top) {
  const float none = -__builtin_inff();
  const ptrdiff_t n = high - low;
  float *x = a->scores + r * a->distance + low;
  const float *masks[2] = {a->mask ? a->mask + r * a->mask_row + low : NULL,
                           a->extra ? a->extra + r * a->extra_row + low : NULL};
  const uint8_t *bits = a->bits ? a->bits + r * a->bits_row + low : NULL;
  for (int m = 0; m < 2; m++) {
    const float *mask = masks[m];
    ptrdiff_t i = 0;
    for (; mask && i + 16 <= n; i += 16) {
      const v16 w = LOAD16(mask + i);
      STORE16(x + i, SELECT16(w == none, w, LOAD16(x + i) + w));
    }
    for (; mask && i < n; i++)
      x[i] = mask[i] == none ? none : x[i] + mask[i];
  }
  for (ptrdiff_t i = 0; bits && i < n; i++)
    x[i] = bits[i] ? x[i] : none;
  v16 m0 = SPLAT16(none), m1 = m0, t, u;
  ptrdiff_t i = 0;
  for (; i + 32 <= n; i += 32) {
    t = LOAD16(x + i), u = LOAD16(x + i + 16);
    m0 = LARGER(t, m0), m1 = LARGER(u, m1);
  }
  for (; i + 16 <= n; i += 16) {
    t = LOAD16(x + i);
    m0 = LARGER(t, m0);
  }
  if (i < n) {
    PART(t, x + i, n - i, SPLAT16(none));
    m1 = LARGER(t, m1);
  }
  m0 = LARGER(m0, m1);
  *top = LARGEST(m0);
  // NaN is passed over above; where every other key is hidden it must still be found.
  int is_open = *top != none;
  for (ptrdiff_t j = 0; !is_open && j < n; j++)
    is_open = x[j] != none;
  return is_open;
}

// x = e^(x - top) over n elements. Returns the sum.
static inline float NAME(attention_powers)(float *x, ptrdiff_t n, float top) {
  v16 s0 = {}, s1 = {}, t, u;
  ptrdiff_t i = 0;
  for (; i + 32 <= n; i += 32) {
    t = LOAD16(x + i) - top, u = LOAD16(x + i + 16) - top;
    FALLING_EXP(t);
    FALLING_EXP(u);
    STORE16(x + i, t);
    STORE16(x + i + 16, u);
    s0 += t, s1 += u;
  }
  for (; i + 16 <= n; i += 16) {
    t = LOAD16(x + i) - top;
    FALLING_EXP(t);
    STORE16(x + i, t);
    s0 += t;
  }
  if (i < n) {
    PART(t, x + i, n - i, SPLAT16(-__builtin_inff()));
    t -= top;
    FALLING_EXP(t);
    PUT(x + i, t, n - i);
    s1 += t;
  }
  s0 += s1;
  return TOTAL(s0);
}

void NAME(dl_attention_softmax_f32)(const dl_attention_rows *a) {
  // First the largest of some rows, then their powers: no row waits for its own largest.
  enum { ROWS = 16 };
  for (ptrdiff_t first = 0; first < a->rows; first += ROWS) {
    const ptrdiff_t end = first + ROWS < a->rows ? first + ROWS : a->rows;
    ptrdiff_t lows[ROWS], highs[ROWS];
    float tops[ROWS];
    for (ptrdiff_t r = first; r < end; r++) {
      ptrdiff_t low = a->low + r * a->low_step, high = a->high + r * a->high_step;
      low = low < 0 ? 0 : low;
      high = high > a->n ? a->n : high;
      if (high <= low || !NAME(attention_top)(a, r, low, high, &tops[r - first]))
        low = high = 0;
      lows[r - first] = low, highs[r - first] = high;
    }
    for (ptrdiff_t r = first; r < end; r++) {
      const ptrdiff_t low = lows[r - first], high = highs[r - first];
      float *s = a->scores + r * a->distance;
      a->inverse[r] = 0;
      if (high > low)
        a->inverse[r] = 1.0f / NAME(attention_powers)(s + low, high - low, tops[r - first]);
      if (low > 0)
        memset(s, 0, (size_t)low * sizeof(float));
      if (high < a->n)
        memset(s + high, 0, (size_t)(a->n - high) * sizeof(float));
    }
  }
}

void NAME(dl_scale_rows_f32)(ptrdiff_t rows, ptrdiff_t n, const float *x, ptrdiff_t x_row,
                             const float *scale, float factor, float *y, ptrdiff_t y_row) {
  for (ptrdiff_t r = 0; r < rows; r++, x += x_row, y += y_row) {
    const float f = scale ? scale[r] : factor;
    ptrdiff_t j = 0;
    for (; j + 16 <= n; j += 16)
      STORE16(y + j, LOAD16(x + j) * f);
    for (; j < n; j++)
      y[j] = x[j] * f;
  }
}

void NAME(dl_attention_slopes_f32)(ptrdiff_t rows, ptrdiff_t n, ptrdiff_t high, ptrdiff_t high_step,
                                   const float *p, float *d, float scale) {
  for (ptrdiff_t r = 0; r < rows; r++, p += n, d += n, high += high_step) {
    const ptrdiff_t seen = high < n ? high : n;
    v16 s0 = {}, s1 = {}, t, u;
    ptrdiff_t i = 0;
    for (; i + 32 <= seen; i += 32) {
      s0 += LOAD16(p + i) * LOAD16(d + i);
      s1 += LOAD16(p + i + 16) * LOAD16(d + i + 16);
    }
    for (; i + 16 <= seen; i += 16)
      s0 += LOAD16(p + i) * LOAD16(d + i);
    if (i < seen) {
      PART(t, p + i, seen - i, (v16){});
      PART(u, d + i, seen - i, (v16){});
      s1 += t * u;
    }
    s0 += s1;
    const float sum = TOTAL(s0);
    for (i = 0; i + 16 <= seen; i += 16)
      STORE16(d + i, LOAD16(p + i) * (LOAD16(d + i) - sum) * scale);
    for (; i < seen; i++)
      d[i] = p[i] * (d[i] - sum) * scale;
    if (seen < n)
      memset(d + seen, 0, (size_t)(n - seen) * sizeof(float));
  }
}

void NAME(dl_attention_dots_f32)(ptrdiff_t keys, ptrdiff_t size, const float *q, const float *k,
                                 ptrdiff_t k_row, float scale, float *scores) {
  for (ptrdiff_t t = 0; t < keys; t += 4) {
    // Keys past the end read the last one again; their sums are not stored.
    const float *p[4];
    for (int r = 0; r < 4; r++)
      p[r] = k + (t + r < keys ? t + r : keys - 1) * k_row;
    v16 s0 = {}, s1 = {}, s2 = {}, s3 = {};
    ptrdiff_t d = 0;
    for (; d + 16 <= size; d += 16) {
      const v16 x = LOAD16(q + d);
      // Caches grow by rows that follow each other; the hardware does not look so far ahead.
      __builtin_prefetch((const char *)((uintptr_t)(p[0] + d) + 4096));
      __builtin_prefetch((const char *)((uintptr_t)(p[1] + d) + 4096));
      __builtin_prefetch((const char *)((uintptr_t)(p[2] + d) + 4096));
      __builtin_prefetch((const char *)((uintptr_t)(p[3] + d) + 4096));
      s0 += LOAD16(p[0] + d) * x, s1 += LOAD16(p[1] + d) * x;
      s2 += LOAD16(p[2] + d) * x, s3 += LOAD16(p[3] + d) * x;
    }
    if (d < size) {
      v16 x, y;
      PART(x, q + d, size - d, (v16){});
      PART(y, p[0] + d, size - d, (v16){});
      s0 += y * x;
      PART(y, p[1] + d, size - d, (v16){});
      s1 += y * x;
      PART(y, p[2] + d, size - d, (v16){});
      s2 += y * x;
      PART(y, p[3] + d, size - d, (v16){});
      s3 += y * x;
    }
    const float sums[4] = {TOTAL(s0), TOTAL(s1), TOTAL(s2), TOTAL(s3)};
    for (int r = 0; r < 4 && t + r < keys; r++)
      scores[t + r] = sums[r] * scale;
  }
}

void NAME(dl_attention_sum_f32)(ptrdiff_t keys, ptrdiff_t n, const float *p, const float *v,
                                ptrdiff_t v_row, float factor, float *y) {
  ptrdiff_t j = 0;
  for (; j + 64 <= n; j += 64) {
    v16 a = {}, b = {}, c = {}, d = {}, e = {}, f = {}, g = {}, h = {};
    ptrdiff_t t = 0;
    for (; t + 2 <= keys; t += 2) {
      const float *x = v + t * v_row + j, *z = x + v_row;
      const char *ahead = (const char *)((uintptr_t)x + 4096);
      __builtin_prefetch(ahead), __builtin_prefetch(ahead + 64);
      __builtin_prefetch(ahead + 128), __builtin_prefetch(ahead + 192);
      __builtin_prefetch(ahead + 256), __builtin_prefetch(ahead + 320);
      __builtin_prefetch(ahead + 384), __builtin_prefetch(ahead + 448);
      a += LOAD16(x) * p[t], b += LOAD16(x + 16) * p[t];
      c += LOAD16(x + 32) * p[t], d += LOAD16(x + 48) * p[t];
      e += LOAD16(z) * p[t + 1], f += LOAD16(z + 16) * p[t + 1];
      g += LOAD16(z + 32) * p[t + 1], h += LOAD16(z + 48) * p[t + 1];
    }
    if (t < keys) {
      const float *x = v + t * v_row + j;
      a += LOAD16(x) * p[t], b += LOAD16(x + 16) * p[t];
      c += LOAD16(x + 32) * p[t], d += LOAD16(x + 48) * p[t];
    }
    STORE16(y + j, (a + e) * factor);
    STORE16(y + j + 16, (b + f) * factor);
    STORE16(y + j + 32, (c + g) * factor);
    STORE16(y + j + 48, (d + h) * factor);
  }
  for (; j < n; j += 16) {
    const ptrdiff_t w = n - j < 16 ? n - j : 16;
    v16 a = {}, b = {}, x;
    ptrdiff_t t = 0;
    for (; t + 2 <= keys; t += 2) {
      if (w == 16) {
        a += LOAD16(v + t * v_row + j) * p[t];
        b += LOAD16(v + (t + 1) * v_row + j) * p[t + 1];
      } else {
        PART(x, v + t * v_row + j, w, (v16){});
        a += x * p[t];
        PART(x, v + (t + 1) * v_row + j, w, (v16){});
        b += x * p[t + 1];
      }
    }
    if (t < keys) {
      LOAD_PART16(x, v + t * v_row + j, w, (v16){});
      a += x * p[t];
    }
    a = (a + b) * factor;
    STORE_PART16(y + j, a, w);
  }
}
