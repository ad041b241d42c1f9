// What cells do with their sums, sixteen units at a time. Included once for each instruction set,
// with NAME appending its suffix; LOAD_MASKED and STORE_MASKED touch the first n < 16 floats.

#define INLINE static inline __attribute__((always_inline))

INLINE v16 NAME(load)(const float *p, intptr_t n) {
  if (n >= 16)
    return LOAD16(p);
  return LOAD_MASKED(p, n);
}
INLINE void NAME(store)(float *p, v16 v, intptr_t n) {
  if (n >= 16)
    STORE16(p, v);
  else
    STORE_MASKED(p, v, n);
}

// NaN stays in all of these.
INLINE v16 NAME(least)(v16 x, float high) { return SELECT16(x > high, SPLAT16(high), x); }
INLINE v16 NAME(most)(v16 x, float low) { return SELECT16(x < low, SPLAT16(low), x); }

// e^x for x in -87...87, bounded to it, within 2 ulp: x = k ln 2 + r, and the polynomial of Cephes.
// Adding 1.5 * 2^23 rounds; shifted left, the low bits that then hold k raise the exponent by it.
INLINE v16 NAME(exp)(v16 x) {
  x = NAME(least)(NAME(most)(x, -87.0f), 87.0f);
  v16 t = x * 1.44269504f + 12582912.0f;
  v16 k = t - 12582912.0f;
  v16 r = x - k * 0.693359375f;
  r = r + k * 2.12194440e-4f;
  v16 p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  return SELECT16(x == x, (v16)((v16i)p + ((v16i)t << 23)), x);
}

// 1 / (1 + e^-x) within 3 ulp; 1.6e-38 below -87.
INLINE v16 NAME(sigmoid)(v16 x) { return 1.0f / (1.0f + NAME(exp)(-x)); }

// Within 5 ulp: the odd rational function of degrees 13 and 6 that Eigen uses, 1 above 7.9.
INLINE v16 NAME(tanh)(v16 x) {
  x = NAME(least)(NAME(most)(x, -7.90531111f), 7.90531111f);
  v16 z = x * x;
  v16 p = z * -2.76076847742355e-16f + 2.00018790482477e-13f;
  p = p * z + -8.60467152213735e-11f;
  p = p * z + 5.12229709037114e-08f;
  p = p * z + 1.48572235717979e-05f;
  p = p * z + 6.37261928875436e-04f;
  p = p * z + 4.89352455891786e-03f;
  v16 q = z * 1.19825839466702e-06f + 1.18534705686654e-04f;
  q = q * z + 2.26843463243900e-03f;
  q = q * z + 4.89352518554385e-03f;
  return p * x / q;
}

// log(1 + e^x) without overflow, by the C library: nobody's default.
static __attribute__((noinline)) void NAME(softplus)(float *x) {
  for (int i = 0; i < 16; i++)
    x[i] = (x[i] > 0 ? x[i] : 0) + log1pf(expf(-fabsf(x[i])));
}

INLINE v16 NAME(activate)(int32_t kind, float a, float b, v16 x) {
  switch (kind) {
  case DL_RECUR_SIGMOID:
    return NAME(sigmoid)(x);
  case DL_RECUR_TANH:
    return NAME(tanh)(x);
  case DL_RECUR_RELU:
    return NAME(most)(x, 0.0f);
  case DL_RECUR_SOFTSIGN:
    return x / (1.0f + ABS16(x));
  case DL_RECUR_SOFTPLUS: {
    float lanes[16];
    STORE16(lanes, x);
    NAME(softplus)(lanes);
    return LOAD16(lanes);
  }
  case DL_RECUR_AFFINE:
    return x * a + b;
  case DL_RECUR_LEAKY_RELU:
    return SELECT16(x < 0.0f, x * a, x);
  case DL_RECUR_THRESHOLDED_RELU:
    return SELECT16(x > a, x, (v16){});
  case DL_RECUR_SCALED_TANH:
    return NAME(tanh)(x * b) * a;
  case DL_RECUR_HARD_SIGMOID:
    return NAME(least)(NAME(most)(x * a + b, 0.0f), 1.0f);
  case DL_RECUR_ELU:
    return SELECT16(x < 0.0f, (NAME(exp)(x) - 1.0f) * a, x);
  }
  return x;
}

// Function `i` of the cell, or the standard one: sigmoid of gates, tanh of the others.
INLINE v16 NAME(apply)(const int standard, const dl_recur_cell *e, const int i, v16 x) {
  if (standard)
    return i == 0 ? NAME(sigmoid)(x) : NAME(tanh)(x);
  if (i < 2)
    x = NAME(least)(NAME(most)(x, -e->clip), e->clip);
  return NAME(activate)(e->kind[i], e->alpha[i], e->beta[i], x);
}

INLINE int NAME(is_standard)(const dl_recur_cell *e) {
  return e->kind[0] == DL_RECUR_SIGMOID && e->kind[1] == DL_RECUR_TANH &&
         e->kind[2] == DL_RECUR_TANH && e->clip == INFINITY && !e->couples && !e->peepholes;
}

// Units u to u + 15 of a row, from the sums of their gates.
INLINE void NAME(lstm_units)(const int standard, const dl_recur_cell *e, const dl_recur_row *row,
                             intptr_t u, const v16 *sum) {
  const intptr_t h = e->hidden, n = h - u;
  const float *x = row->x + u, *peep = standard ? 0 : e->peepholes;
  v16 c = NAME(load)(row->c + u, n);
  v16 i = sum[0] + NAME(load)(x, n), o = sum[1] + NAME(load)(x + h, n);
  v16 f = sum[2] + NAME(load)(x + 2 * h, n), g = sum[3] + NAME(load)(x + 3 * h, n);
  if (peep) {
    i += NAME(load)(peep + u, n) * c;
    f += NAME(load)(peep + 2 * h + u, n) * c;
  }
  i = NAME(apply)(standard, e, 0, i);
  f = !standard && e->couples ? 1.0f - i : NAME(apply)(standard, e, 0, f);
  g = NAME(apply)(standard, e, 1, g);
  c = f * c + i * g;
  if (peep)
    o += NAME(load)(peep + h + u, n) * c;
  o = NAME(apply)(standard, e, 0, o);
  NAME(store)(row->c + u, c, n);
  NAME(store)(row->to + u, o * NAME(apply)(standard, e, 2, c), n);
  if (row->gates) {
    NAME(store)(row->gates + u, i, n);
    NAME(store)(row->gates + h + u, o, n);
    NAME(store)(row->gates + 2 * h + u, f, n);
    NAME(store)(row->gates + 3 * h + u, g, n);
  }
}

INLINE void NAME(gru_linear_units)(const int standard, const dl_recur_cell *e,
                                   const dl_recur_row *row, intptr_t u, const v16 *sum) {
  const intptr_t h = e->hidden, n = h - u;
  const float *x = row->x + u;
  v16 z = NAME(apply)(standard, e, 0, sum[0] + NAME(load)(x, n));
  v16 r = NAME(apply)(standard, e, 0, sum[1] + NAME(load)(x + h, n));
  v16 g = sum[2];
  if (e->bias)
    g += NAME(load)(e->bias + u, n);
  g = NAME(apply)(standard, e, 1, r * g + NAME(load)(x + 2 * h, n));
  NAME(store)(row->to + u, (1.0f - z) * g + z * NAME(load)(row->h + u, n), n);
}

INLINE void NAME(gru_gates_units)(const int standard, const dl_recur_cell *e,
                                  const dl_recur_row *row, intptr_t u, const v16 *sum) {
  const intptr_t h = e->hidden;
  for (int j = 0; j < 2 && u < h; j++, u += 16) {
    const intptr_t n = h - u;
    v16 z = sum[2 * j] + NAME(load)(row->x + u, n);
    v16 r = sum[2 * j + 1] + NAME(load)(row->x + h + u, n);
    NAME(store)(row->c + u, NAME(apply)(standard, e, 0, z), n);
    NAME(store)(row->to + u, NAME(apply)(standard, e, 0, r) * NAME(load)(row->h + u, n), n);
  }
}

INLINE void NAME(gru_state_units)(const int standard, const dl_recur_cell *e,
                                  const dl_recur_row *row, intptr_t u, const v16 *sum) {
  const intptr_t h = e->hidden;
  for (int j = 0; j < 4 && u < h; j++, u += 16) {
    const intptr_t n = h - u;
    v16 g = NAME(apply)(standard, e, 1, sum[j] + NAME(load)(row->x + 2 * h + u, n));
    v16 z = NAME(load)(row->c + u, n);
    NAME(store)(row->to + u, (1.0f - z) * g + z * NAME(load)(row->last + u, n), n);
  }
}

INLINE void NAME(rnn_units)(const int standard, const dl_recur_cell *e, const dl_recur_row *row,
                            intptr_t u, const v16 *sum) {
  for (int j = 0; j < 4 && u < e->hidden; j++, u += 16) {
    const intptr_t n = e->hidden - u;
    v16 x = sum[j] + NAME(load)(row->x + u, n);
    // The first function of an RNN is its only one: tanh by default.
    NAME(store)(row->to + u, standard ? NAME(tanh)(x) : NAME(apply)(0, e, 0, x), n);
  }
}
