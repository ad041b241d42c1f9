// The updates, for elements of type T. Included once for each type and instruction set.
//
// a[0] is always the factor that the parameter keeps (1 without decoupled weight decay), a[1] what
// of the parameter is added to the gradient (L2).
//
// Each element is a computation of its own, so vectors may be formed even where out is w.
#define DL_STEP_EACH(i)                                                                            \
  _Pragma("clang loop vectorize(assume_safety)") for (size_t i = 0; i < n; i++)

#define DL_STEP_BEGIN(name)                                                                        \
  static void DL_STEP_NAME(name)(size_t n, const void *w_, const void *g_, void *out_, void *s0_,  \
                                 void *s1_, void *s2_, const double *a) {                          \
    const T *w = w_;                                                                               \
    const T *gs = g_;                                                                              \
    T *out = out_;                                                                                 \
    T *s0 = s0_, *s1 = s1_, *s2 = s2_;                                                             \
    const T keep = (T)a[0], l2 = (T)a[1];                                                          \
    (void)s0, (void)s1, (void)s2;

// s0 = a2 s0 + a3 g; w = keep w + a4 s0 + a5 g.
DL_STEP_BEGIN(momentum)
const T c2 = (T)a[2], c3 = (T)a[3], c4 = (T)a[4], c5 = (T)a[5];
DL_STEP_EACH(i) {
  T g = gs[i] + l2 * w[i];
  T m = c2 * s0[i] + c3 * g;
  s0[i] = m;
  out[i] = keep * w[i] + (c4 * m + c5 * g);
}
}

// s0 = a2 s0 + a3 g; s1 = a4 s1 + a5 g^2; w = keep w - (a6 s0 + a7 g) / (a8 sqrt(s1) + a9).
DL_STEP_BEGIN(adam)
const T c2 = (T)a[2], c3 = (T)a[3], c4 = (T)a[4], c5 = (T)a[5];
const T c6 = (T)a[6], c7 = (T)a[7], c8 = (T)a[8], c9 = (T)a[9];
DL_STEP_EACH(i) {
  T g = gs[i] + l2 * w[i];
  T m = c2 * s0[i] + c3 * g;
  T v = c4 * s1[i] + c5 * (g * g);
  s0[i] = m;
  s1[i] = v;
  out[i] = keep * w[i] - (c6 * m + c7 * g) / (c8 * DL_SQRT(v) + c9);
}
}

// The same with s2, the largest s1 so far, under the root.
DL_STEP_BEGIN(amsgrad)
const T c2 = (T)a[2], c3 = (T)a[3], c4 = (T)a[4], c5 = (T)a[5];
const T c6 = (T)a[6], c7 = (T)a[7], c8 = (T)a[8], c9 = (T)a[9];
DL_STEP_EACH(i) {
  T g = gs[i] + l2 * w[i];
  T m = c2 * s0[i] + c3 * g;
  T v = c4 * s1[i] + c5 * (g * g);
  T most = s2[i] > v ? s2[i] : v;
  s0[i] = m;
  s1[i] = v;
  s2[i] = most;
  out[i] = keep * w[i] - (c6 * m + c7 * g) / (c8 * DL_SQRT(most) + c9);
}
}

// s0 = a2 s0 + a3 g; s1 = max(a4 s1, |g| + a5); w = keep w - a6 s0 / (s1 + a7).
DL_STEP_BEGIN(adamax)
const T c2 = (T)a[2], c3 = (T)a[3], c4 = (T)a[4], c5 = (T)a[5], c6 = (T)a[6], c7 = (T)a[7];
DL_STEP_EACH(i) {
  T g = gs[i] + l2 * w[i];
  T m = c2 * s0[i] + c3 * g;
  T size = (g < 0 ? -g : g) + c5;
  T u = c4 * s1[i];
  u = u > size ? u : size;
  s0[i] = m;
  s1[i] = u;
  out[i] = keep * w[i] - c6 * m / (u + c7);
}
}

// s0 = a2 s0 + a3 g^2; s1 = a2 s1 + a3 g; s2 = a6 s2 + a4 g / (sqrt(s0 - a5 s1^2 + a7) + a8);
// w = keep w - a9 s2.
DL_STEP_BEGIN(rmsprop)
const T c2 = (T)a[2], c3 = (T)a[3], c4 = (T)a[4], c5 = (T)a[5];
const T c6 = (T)a[6], c7 = (T)a[7], c8 = (T)a[8], c9 = (T)a[9];
DL_STEP_EACH(i) {
  T g = gs[i] + l2 * w[i];
  T v = c2 * s0[i] + c3 * (g * g);
  T mean = c2 * s1[i] + c3 * g;
  T step = c6 * s2[i] + c4 * g / (DL_SQRT(v - c5 * (mean * mean) + c7) + c8);
  s0[i] = v;
  s1[i] = mean;
  s2[i] = step;
  out[i] = keep * w[i] - c9 * step;
}
}

// s0 = s0 + g^2; w = keep w - a2 g / (sqrt(s0 + a3) + a4).
DL_STEP_BEGIN(adagrad)
const T c2 = (T)a[2], c3 = (T)a[3], c4 = (T)a[4];
DL_STEP_EACH(i) {
  T g = gs[i] + l2 * w[i];
  T sum = s0[i] + g * g;
  s0[i] = sum;
  out[i] = keep * w[i] - c2 * g / (DL_SQRT(sum + c3) + c4);
}
}

// s0 = a2 s0 + a3 g^2; d = g sqrt(s1 + a4) / sqrt(s0 + a4); s1 = a2 s1 + a3 d^2; w = keep w - a5 d.
DL_STEP_BEGIN(adadelta)
const T c2 = (T)a[2], c3 = (T)a[3], c4 = (T)a[4], c5 = (T)a[5];
DL_STEP_EACH(i) {
  T g = gs[i] + l2 * w[i];
  T v = c2 * s0[i] + c3 * (g * g);
  T d = g * (DL_SQRT(s1[i] + c4) / DL_SQRT(v + c4));
  s0[i] = v;
  s1[i] = c2 * s1[i] + c3 * (d * d);
  out[i] = keep * w[i] - c5 * d;
}
}

// With p = a2 (the negative power), r = 1 / a3 the inverse rate:
// n = s0 + g^2; s1 += g + a4 w - (n^p - s0^p) r w; q = n^p r + a5;
// w = (clip(s1, a6) - s1) / q; s0 = n. Here w is the parameter times keep throughout.
DL_STEP_BEGIN(ftrl)
const T p = (T)a[2], r = (T)a[3], shrink = (T)a[4], quadratic = (T)a[5], l1 = (T)a[6];
// The usual power is a square root, which vectors have; others are taken one by one.
#define DL_FTRL_STEP(power)                                                                        \
  T g = gs[i] + l2 * w[i];                                                                         \
  T before = s0[i];                                                                                \
  T after = before + g * g;                                                                        \
  T old = power(before);                                                                           \
  T new = power(after);                                                                            \
  T y = keep * w[i];                                                                               \
  T z = s1[i] + (g + shrink * y) - (new - old) * r * y;                                            \
  T clipped = z > l1 ? l1 : z < -l1 ? -l1 : z;                                                     \
  s0[i] = after;                                                                                   \
  s1[i] = z;                                                                                       \
  out[i] = (clipped - z) / (new *r + quadratic);
#define DL_FTRL_POWER(x) DL_POW(x, p)
if (p == (T)0.5) {
  DL_STEP_EACH(i) { DL_FTRL_STEP(DL_SQRT) }
} else {
  for (size_t i = 0; i < n; i++) {
    DL_FTRL_STEP(DL_FTRL_POWER)
  }
}
#undef DL_FTRL_STEP
#undef DL_FTRL_POWER
}

// w = keep w - a4 sign(a2 s0 + (1 - a2) g); s0 = a3 s0 + (1 - a3) g.
DL_STEP_BEGIN(lion)
const T c2 = (T)a[2], c3 = (T)a[3], c4 = (T)a[4], d2 = (T)(1 - a[2]), d3 = (T)(1 - a[3]);
DL_STEP_EACH(i) {
  T g = gs[i] + l2 * w[i];
  T u = c2 * s0[i] + d2 * g;
  T sign = u > 0 ? (T)1 : u < 0 ? (T)-1 : (T)0;
  // NaN must not become a step of 0.
  sign = u == u ? sign : u;
  s0[i] = c3 * s0[i] + d3 * g;
  out[i] = keep * w[i] - c4 * sign;
}
}

// Schedule-free AdamW, w the parameter times keep: s0 = z; s1 = a2 s1 + a3 g^2; x = (w - (1 - a5)
// z) / a5; z -= a4 g / (a6 sqrt(s1) + a7); x = (1 - a8) x + a8 z; w = (1 - a5) z + a5 x.
DL_STEP_BEGIN(schedule_free)
const T c2 = (T)a[2], c3 = (T)a[3], c4 = (T)a[4], c5 = (T)a[5], d5 = (T)(1 - a[5]);
const T c6 = (T)a[6], c7 = (T)a[7], c8 = (T)a[8], d8 = (T)(1 - a[8]);
DL_STEP_EACH(i) {
  T y = keep * w[i];
  T g = gs[i] + l2 * w[i];
  T v = c2 * s1[i] + c3 * (g * g);
  T x = (y - d5 * s0[i]) / c5;
  T z = s0[i] - c4 * g / (c6 * DL_SQRT(v) + c7);
  x = d8 * x + c8 * z;
  s0[i] = z;
  s1[i] = v;
  out[i] = d5 * z + c5 * x;
}
}

static const dl_step_fn DL_STEP_NAME(table)[DL_STEPS] = {
    DL_STEP_NAME(momentum),     DL_STEP_NAME(adam),    DL_STEP_NAME(amsgrad),
    DL_STEP_NAME(adamax),       DL_STEP_NAME(rmsprop), DL_STEP_NAME(adagrad),
    DL_STEP_NAME(adadelta),     DL_STEP_NAME(ftrl),    DL_STEP_NAME(lion),
    DL_STEP_NAME(schedule_free)};

#undef DL_STEP_BEGIN
#undef DL_STEP_EACH
