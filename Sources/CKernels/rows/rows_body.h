// Included once for each instruction set, with NAME appending its suffix.

// The sum of (x - c) or of its square, in 32 lanes over blocks of 2048.
static double NAME(shifted_sum)(const float *x, ptrdiff_t n, float c, int squared) {
  double total = 0;
  for (ptrdiff_t b = 0; b < n; b += 2048) {
    ptrdiff_t m = n - b < 2048 ? n - b : 2048, i = 0;
    const float *p = x + b;
    v16 s0 = {}, s1 = {}, t;
    if (squared) {
      for (; i + 32 <= m; i += 32) {
        t = LOAD16(p + i) - c, s0 += t * t;
        t = LOAD16(p + i + 16) - c, s1 += t * t;
      }
      for (; i < m; i += 16) {
        if (i + 16 <= m)
          t = LOAD16(p + i);
        else
          LOAD_PART16(t, p + i, m - i, SPLAT16(c));
        t -= c;
        s0 += t * t;
      }
    } else {
      for (; i + 32 <= m; i += 32) {
        s0 += LOAD16(p + i);
        s1 += LOAD16(p + i + 16);
      }
      for (; i < m; i += 16) {
        if (i + 16 <= m)
          t = LOAD16(p + i);
        else
          LOAD_PART16(t, p + i, m - i, (v16){});
        s0 += t;
      }
    }
    s0 += s1;
    // In pairs, whose additions do not wait for each other.
    double d[8];
    for (int l = 0; l < 8; l++)
      d[l] = (double)s0[l] + (double)s0[l + 8];
    total += ((d[0] + d[4]) + (d[1] + d[5])) + ((d[2] + d[6]) + (d[3] + d[7]));
  }
  return total;
}

void NAME(dl_moments_f32)(const float *x, ptrdiff_t n, float *mean, float *variance) {
  float m = (float)(NAME(shifted_sum)(x, n, 0, 0) / (double)n);
  *mean = m;
  *variance = (float)(NAME(shifted_sum)(x, n, m, 1) / (double)n);
}

void NAME(dl_affine_f32)(const float *x, ptrdiff_t n, float shift, float scale, float bias,
                         float *y) {
  ptrdiff_t i = 0;
  for (; i + 16 <= n; i += 16)
    STORE16(y + i, (LOAD16(x + i) - shift) * scale + bias);
  for (; i < n; i++)
    y[i] = (x[i] - shift) * scale + bias;
}

void NAME(dl_affine_each_f32)(const float *x, ptrdiff_t n, float shift, float scale,
                              const float *gain, const float *bias, float *y) {
  ptrdiff_t i = 0;
  if (bias) {
    for (; i + 16 <= n; i += 16)
      STORE16(y + i, (LOAD16(x + i) - shift) * scale * LOAD16(gain + i) + LOAD16(bias + i));
    for (; i < n; i++)
      y[i] = (x[i] - shift) * scale * gain[i] + bias[i];
  } else {
    for (; i + 16 <= n; i += 16)
      STORE16(y + i, (LOAD16(x + i) - shift) * scale * LOAD16(gain + i));
    for (; i < n; i++)
      y[i] = (x[i] - shift) * scale * gain[i];
  }
}

void NAME(dl_axpy_f32)(const float *x, ptrdiff_t n, float a, float *y) {
  ptrdiff_t i = 0;
  for (; i + 16 <= n; i += 16)
    STORE16(y + i, LOAD16(y + i) + LOAD16(x + i) * a);
  for (; i < n; i++)
    y[i] += x[i] * a;
}

static float NAME(lane_sum)(const v16 *s) {
  float a[8];
  for (int l = 0; l < 8; l++)
    a[l] = (*s)[l] + (*s)[l + 8];
  return ((a[0] + a[4]) + (a[1] + a[5])) + ((a[2] + a[6]) + (a[3] + a[7]));
}

void NAME(dl_dots_f32_4x4)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t depth, const float *A, ptrdiff_t lda,
                           const float *B, ptrdiff_t ldb, float *C, ptrdiff_t ldc, int adds) {
  for (ptrdiff_t i = 0; i < m; i += 4)
    for (ptrdiff_t j = 0; j < n; j += 4) {
      // Rows past the end read the last one again; their sums are not stored.
      const float *a[4], *b[4];
      for (int r = 0; r < 4; r++) {
        a[r] = A + (i + r < m ? i + r : m - 1) * lda;
        b[r] = B + (j + r < n ? j + r : n - 1) * ldb;
      }
      v16 s00 = {}, s01 = {}, s02 = {}, s03 = {}, s10 = {}, s11 = {}, s12 = {}, s13 = {};
      v16 s20 = {}, s21 = {}, s22 = {}, s23 = {}, s30 = {}, s31 = {}, s32 = {}, s33 = {};
      for (ptrdiff_t k = 0; k < depth; k += 16) {
        v16 a0, a1, a2, a3, b0, b1, b2, b3;
        if (k + 16 <= depth) {
          a0 = LOAD16(a[0] + k), a1 = LOAD16(a[1] + k), a2 = LOAD16(a[2] + k);
          a3 = LOAD16(a[3] + k), b0 = LOAD16(b[0] + k), b1 = LOAD16(b[1] + k);
          b2 = LOAD16(b[2] + k), b3 = LOAD16(b[3] + k);
        } else {
          ptrdiff_t w = depth - k;
          LOAD_PART16(a0, a[0] + k, w, (v16){});
          LOAD_PART16(a1, a[1] + k, w, (v16){});
          LOAD_PART16(a2, a[2] + k, w, (v16){});
          LOAD_PART16(a3, a[3] + k, w, (v16){});
          LOAD_PART16(b0, b[0] + k, w, (v16){});
          LOAD_PART16(b1, b[1] + k, w, (v16){});
          LOAD_PART16(b2, b[2] + k, w, (v16){});
          LOAD_PART16(b3, b[3] + k, w, (v16){});
        }
        s00 += a0 * b0, s01 += a0 * b1, s02 += a0 * b2, s03 += a0 * b3;
        s10 += a1 * b0, s11 += a1 * b1, s12 += a1 * b2, s13 += a1 * b3;
        s20 += a2 * b0, s21 += a2 * b1, s22 += a2 * b2, s23 += a2 * b3;
        s30 += a3 * b0, s31 += a3 * b1, s32 += a3 * b2, s33 += a3 * b3;
      }
      v16 s[16] = {s00, s01, s02, s03, s10, s11, s12, s13, s20, s21, s22, s23, s30, s31, s32, s33};
      for (int r = 0; r < 4 && i + r < m; r++)
        for (int q = 0; q < 4 && j + q < n; q++) {
          float sum = NAME(lane_sum)(&s[4 * r + q]);
          float *c = C + (i + r) * ldc + j + q;
          *c = adds ? *c + sum : sum;
        }
    }
}

void NAME(dl_sigmoid_f32)(float *x, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i += 16) {
    ptrdiff_t w = n - i < 16 ? n - i : 16;
    v16 t;
    LOAD_PART16(t, x + i, w, (v16){});
    t = -t;
    EXP16(t);
    t = 1.0f / (t + 1.0f);
    STORE_PART16(x + i, t, w);
  }
}

void NAME(dl_tanh_f32)(float *x, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i += 16) {
    ptrdiff_t w = n - i < 16 ? n - i : 16;
    v16 t, e;
    LOAD_PART16(t, x + i, w, (v16){});
    e = t + t;
    EXP16(e);
    e = 1.0f - 2.0f / (e + 1.0f);
    // Near zero the difference loses places; there the series serves.
    v16 q = t * t;
    v16 s = t + t * q * ((q * -5.3968254e-2f + 0.13333333f) * q - 0.33333333f);
    e = SELECT16(ABS16(t) < 0.15f, s, e);
    STORE_PART16(x + i, e, w);
  }
}

void NAME(dl_weighted_f32)(const float *weights, ptrdiff_t rows, const float *x, ptrdiff_t ldx,
                           ptrdiff_t n, float *y) {
  ptrdiff_t j = 0;
  for (; j + 64 <= n; j += 64) {
    v16 a = {}, b = {}, c = {}, d = {};
    for (ptrdiff_t i = 0; i < rows; i++) {
      const float *p = x + i * ldx + j;
      float w = weights[i];
      a += LOAD16(p) * w;
      b += LOAD16(p + 16) * w;
      c += LOAD16(p + 32) * w;
      d += LOAD16(p + 48) * w;
    }
    STORE16(y + j, a);
    STORE16(y + j + 16, b);
    STORE16(y + j + 32, c);
    STORE16(y + j + 48, d);
  }
  for (; j < n; j += 16) {
    ptrdiff_t w = n - j < 16 ? n - j : 16;
    v16 a = {}, t;
    for (ptrdiff_t i = 0; i < rows; i++) {
      LOAD_PART16(t, x + i * ldx + j, w, (v16){});
      a += t * weights[i];
    }
    STORE_PART16(y + j, a, w);
  }
}

void NAME(dl_distances_f32_4x32)(ptrdiff_t rows, ptrdiff_t n, ptrdiff_t features, const float *x,
                                 ptrdiff_t ldx, const float *panel, float *out, ptrdiff_t ldo) {
  for (ptrdiff_t i = 0; i < rows; i += 4) {
    // Rows past the end read the last one again; their sums are not stored.
    const float *a[4];
    for (int r = 0; r < 4; r++)
      a[r] = x + (i + r < rows ? i + r : rows - 1) * ldx;
    v16 s00 = {}, s01 = {}, s10 = {}, s11 = {}, s20 = {}, s21 = {}, s30 = {}, s31 = {};
    for (ptrdiff_t f = 0; f < features; f++) {
      v16 p = LOAD16(panel + f * 32), q = LOAD16(panel + f * 32 + 16), d, e;
      d = p - a[0][f], e = q - a[0][f], s00 += d * d, s01 += e * e;
      d = p - a[1][f], e = q - a[1][f], s10 += d * d, s11 += e * e;
      d = p - a[2][f], e = q - a[2][f], s20 += d * d, s21 += e * e;
      d = p - a[3][f], e = q - a[3][f], s30 += d * d, s31 += e * e;
    }
    v16 s[8] = {s00, s01, s10, s11, s20, s21, s30, s31};
    for (int r = 0; r < 4 && i + r < rows; r++)
      memcpy(out + (i + r) * ldo, &s[2 * r], (size_t)n * sizeof(float));
  }
}

void NAME(dl_column_sums_f32)(const float *x, ptrdiff_t rows, ptrdiff_t ldx, ptrdiff_t n,
                              float *y) {
  typedef double v8d __attribute__((vector_size(64)));
  typedef float v8 __attribute__((vector_size(32)));
  typedef float v8u __attribute__((vector_size(32), aligned(4), may_alias));
  ptrdiff_t j = 0;
  for (; j + 16 <= n; j += 16) {
    v8d a = {}, b = {};
    for (ptrdiff_t i = 0; i < rows; i++) {
      const float *p = x + i * ldx + j;
      a += __builtin_convertvector(*(const v8u *)p, v8d);
      b += __builtin_convertvector(*(const v8u *)(p + 8), v8d);
    }
    *(v8u *)(y + j) = __builtin_convertvector(a, v8);
    *(v8u *)(y + j + 8) = __builtin_convertvector(b, v8);
  }
  for (; j < n; j++) {
    double sum = 0;
    for (ptrdiff_t i = 0; i < rows; i++)
      sum += (double)x[i * ldx + j];
    y[j] = (float)sum;
  }
}

double NAME(dl_shifted_sum_f32)(const float *x, ptrdiff_t n, float c, int squared) {
  return NAME(shifted_sum)(x, n, squared ? c : 0, squared);
}

void NAME(dl_paired_sums_f32)(const float *x, const float *y, ptrdiff_t n, float c, double *sum,
                              double *product) {
  for (ptrdiff_t b = 0; b < n; b += 2048) {
    const ptrdiff_t m = n - b < 2048 ? n - b : 2048;
    const float *p = x + b, *q = y + b;
    v16 s0 = {}, s1 = {}, p0 = {}, p1 = {}, t, u;
    ptrdiff_t i = 0;
    for (; i + 32 <= m; i += 32) {
      t = LOAD16(q + i), s0 += t, p0 += t * (LOAD16(p + i) - c);
      t = LOAD16(q + i + 16), s1 += t, p1 += t * (LOAD16(p + i + 16) - c);
    }
    for (; i < m; i += 16) {
      if (i + 16 <= m) {
        t = LOAD16(q + i), u = LOAD16(p + i);
      } else {
        LOAD_PART16(t, q + i, m - i, (v16){});
        LOAD_PART16(u, p + i, m - i, SPLAT16(c));
      }
      s0 += t;
      p0 += t * (u - c);
    }
    s0 += s1;
    p0 += p1;
    for (int l = 0; l < LANES; l++) {
      *sum += (double)s0[l];
      *product += (double)p0[l];
    }
  }
}

void NAME(dl_norm_back_f32)(const float *x, const float *dy, ptrdiff_t n, float c, float of_dy,
                            float of_x, float constant, float *dx) {
  ptrdiff_t i = 0;
  for (; i + 16 <= n; i += 16)
    STORE16(dx + i, LOAD16(dy + i) * of_dy + ((LOAD16(x + i) - c) * of_x + constant));
  for (; i < n; i++)
    dx[i] = dy[i] * of_dy + ((x[i] - c) * of_x + constant);
}
