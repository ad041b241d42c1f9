// Included once for each instruction set, with NAME appending its suffix. Plain loops: the
// compiler turns them into vectors of the instruction set at hand.

#define TAP(NAMED, STEP)                                                                           \
  static void NAME(NAMED)(const float *restrict x, ptrdiff_t step, ptrdiff_t n,                    \
                          float *restrict y) {                                                     \
    if (step == 1)                                                                                 \
      for (ptrdiff_t i = 0; i < n; i++) {                                                          \
        float v = x[i];                                                                            \
        y[i] = STEP(y[i], v);                                                                      \
      }                                                                                            \
    else if (step == 2)                                                                            \
      for (ptrdiff_t i = 0; i < n; i++) {                                                          \
        float v = x[2 * i];                                                                        \
        y[i] = STEP(y[i], v);                                                                      \
      }                                                                                            \
    else                                                                                           \
      for (ptrdiff_t i = 0; i < n; i++) {                                                          \
        float v = x[step * i];                                                                     \
        y[i] = STEP(y[i], v);                                                                      \
      }                                                                                            \
  }
#define LARGER(a, v) (((v) > (a) || (v) != (v)) ? (v) : (a))
#define ADD(a, v) ((a) + (v))
#define ADD_ABS(a, v) ((a) + __builtin_fabsf(v))
#define ADD_SQUARE(a, v) ((a) + (v) * (v))
TAP(tap_max, LARGER)
TAP(tap_sum, ADD)
TAP(tap_abs, ADD_ABS)
TAP(tap_square, ADD_SQUARE)

void NAME(dl_pool_f32_tap)(int kind, const float *x, ptrdiff_t step, ptrdiff_t n, float *y) {
  switch (kind) {
  case 0:
    NAME(tap_max)(x, step, n, y);
    break;
  case 1:
    NAME(tap_sum)(x, step, n, y);
    break;
  case 2:
    NAME(tap_abs)(x, step, n, y);
    break;
  default:
    NAME(tap_square)(x, step, n, y);
  }
}

#undef TAP
#undef LARGER
#undef ADD
#undef ADD_ABS
#undef ADD_SQUARE

// The place of the largest of four, the first of equals, NaN before all.
#define WINS(v, best) ((v) > (best) || ((v) != (v) && (best) == (best)))
void NAME(dl_pool_f32_spread)(const float *restrict x0, const float *restrict x1,
                              const float *restrict dy, ptrdiff_t n, float *restrict d0,
                              float *restrict d1) {
  for (ptrdiff_t i = 0; i < n; i++) {
    float best = x0[2 * i];
    int place = 0;
    const float b = x0[2 * i + 1], c = x1[2 * i], d = x1[2 * i + 1], g = dy[i];
    place = WINS(b, best) ? 1 : place;
    best = WINS(b, best) ? b : best;
    place = WINS(c, best) ? 2 : place;
    best = WINS(c, best) ? c : best;
    place = WINS(d, best) ? 3 : place;
    d0[2 * i] = place == 0 ? g : 0.0f;
    d0[2 * i + 1] = place == 1 ? g : 0.0f;
    d1[2 * i] = place == 2 ? g : 0.0f;
    d1[2 * i + 1] = place == 3 ? g : 0.0f;
  }
}

void NAME(dl_pool_f32_pairs)(const float *restrict x0, const float *restrict x1, ptrdiff_t n,
                             float *restrict y) {
  for (ptrdiff_t i = 0; i < n; i++) {
    float best = x0[2 * i];
    const float b = x0[2 * i + 1], c = x1[2 * i], d = x1[2 * i + 1];
    best = WINS(b, best) ? b : best;
    best = WINS(c, best) ? c : best;
    y[i] = WINS(d, best) ? d : best;
  }
}
#undef WINS
