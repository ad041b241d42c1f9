// Included once for each instruction set, with NAME appending its suffix.

#ifndef NORM_PIECE
// v = up to 16 floats at p, zeros in the other lanes; and the way back.
#define NORM_PIECE(v, p, left)                                                                     \
  do {                                                                                             \
    if ((left) >= 16)                                                                              \
      (v) = LOAD16(p);                                                                             \
    else                                                                                           \
      LOAD_PART16(v, p, left, (v16){});                                                            \
  } while (0)
#define NORM_PUT(p, v, left)                                                                       \
  do {                                                                                             \
    if ((left) >= 16)                                                                              \
      STORE16(p, v);                                                                               \
    else                                                                                           \
      STORE_PART16(p, v, left);                                                                    \
  } while (0)
#endif

static inline double NAME(norm_total)(const v16 *s) {
  double d[8];
  for (int l = 0; l < 8; l++)
    d[l] = (double)(*s)[l] + (double)(*s)[l + 8];
  return ((d[0] + d[4]) + (d[1] + d[5])) + ((d[2] + d[6]) + (d[3] + d[7]));
}

void NAME(dl_norm_rows_back_f32)(const dl_norm_rows *k, const float *x, const float *gain,
                                 const float *dy, float *dx, float *dgain, float *dshift) {
  const ptrdiff_t n = k->n;
  for (ptrdiff_t j = 0; dgain && j < n; j++)
    dgain[j] = 0;
  for (ptrdiff_t j = 0; dshift && j < n; j++)
    dshift[j] = 0;
  for (ptrdiff_t r = 0; r < k->rows; r++, x += n, dy += n) {
    // Float lanes over blocks, their totals in double.
    double sum = 0, square = 0, ups = 0, product = 0;
    for (ptrdiff_t b = 0; k->centers && b < n; b += 2048) {
      const ptrdiff_t end = n - b < 2048 ? n : b + 2048;
      v16 s = {}, t;
      for (ptrdiff_t i = b; i < end; i += 16) {
        NORM_PIECE(t, x + i, n - i);
        s += t;
      }
      sum += NAME(norm_total)(&s);
    }
    const float mean = (float)(sum / (double)n);
    for (ptrdiff_t b = 0; b < n; b += 2048) {
      const ptrdiff_t end = n - b < 2048 ? n : b + 2048;
      v16 squares = {}, gs = {}, products = {};
      for (ptrdiff_t i = b; i < end; i += 16) {
        v16 d, y, g;
        if (n - i >= 16)
          d = LOAD16(x + i);
        else
          LOAD_PART16(d, x + i, n - i, SPLAT16(mean));
        NORM_PIECE(y, dy + i, n - i);
        NORM_PIECE(g, gain + i, n - i);
        d -= mean;
        g *= y;
        squares += d * d;
        gs += g;
        products += g * d;
      }
      square += NAME(norm_total)(&squares);
      ups += NAME(norm_total)(&gs);
      product += NAME(norm_total)(&products);
    }
    const float inverse = (float)(1.0 / __builtin_sqrt(square / (double)n + k->epsilon));
    // mean(g z) z = mean(g d) inverse^2 d.
    const float up = k->centers ? (float)(ups / (double)n) : 0;
    const float of_d = (float)(product / (double)n * inverse * inverse);
    for (ptrdiff_t i = 0; i < n; i += 16) {
      const ptrdiff_t left = n - i;
      v16 d, y, t;
      NORM_PIECE(d, x + i, left);
      NORM_PIECE(y, dy + i, left);
      d -= mean;
      if (dgain) {
        NORM_PIECE(t, dgain + i, left);
        t += y * (d * inverse);
        NORM_PUT(dgain + i, t, left);
      }
      if (dshift) {
        NORM_PIECE(t, dshift + i, left);
        t += y;
        NORM_PUT(dshift + i, t, left);
      }
      if (dx) {
        NORM_PIECE(t, gain + i, left);
        t = (t * y - up - d * of_d) * inverse;
        NORM_PUT(dx + i, t, left);
      }
    }
    if (dx)
      dx += n;
  }
}
