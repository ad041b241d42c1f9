// Draws of one instruction set; DL_ISA is its name. Loops over them vectorise.

#define CAT_(op, isa) op##__##isa
#define CAT(op, isa) CAT_(op, isa)
#define FN(op) CAT(op, DL_ISA)

// The four words of counter i.
static inline __attribute__((always_inline)) void FN(philox)(uint64_t key, uint64_t i,
                                                             uint64_t w[4]) {
  const uint64_t low = 0xffffffffu;
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  uint64_t a = i & low, b = i >> 32, c = 0, d = 0;
  _Pragma("clang loop unroll(full)") for (int round = 0; round < 10; round++) {
    const uint64_t p = (a & low) * 0xD2511F53u, q = (c & low) * 0xCD9E8D57u;
    a = (q >> 32) ^ b ^ k0;
    b = q & low;
    c = (p >> 32) ^ d ^ k1;
    d = p & low;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  w[0] = a, w[1] = b, w[2] = c, w[3] = d;
}

// a / 2^32 + the upper 21 bits of b / 2^53, both exact: numbers below 2^52 become the fraction of a
// double of a fixed exponent.
static inline __attribute__((always_inline)) double FN(unit)(uint64_t a, uint64_t b) {
  const double x = real(a | 0x4330000000000000u) - 0x1p52;
  const double y = real((b >> 11) | 0x4330000000000000u) - 0x1p52;
  return x * 0x1p-32 + y * 0x1p-53;
}

// Natural logarithm of a positive normal number, 1 ulp: x = 2^k (1 + f) with 1 + f in [sqrt(1/2),
// sqrt(2)); log(1 + f) from s = f / (2 + f) with the polynomial of FreeBSD's log.
static inline __attribute__((always_inline)) double FN(log)(double x) {
  const uint64_t root = 0x3fe6a09e667f3bcdu;
  const uint64_t u = bits(x) - root + (1023ull << 52);
  const double k = real((u >> 52) | 0x4330000000000000u) - (0x1p52 + 1023);
  const double f = real((u & 0xfffffffffffffu) + root) - 1.0;
  const double s = f / (2.0 + f), z = s * s, w = z * z, half = 0.5 * f * f;
  const double even = w * (3.999999999940941908e-01 +
                           w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
  const double odd = z * (6.666666666666735130e-01 +
                          w * (2.857142874366239149e-01 +
                               w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
  const double low = s * (half + (odd + even)) + k * 1.90821492927058770002e-10;
  return k * 6.93147180369123816490e-01 - ((half - low) - f);
}

// cos(2 pi t) for t in [0, 1): a quarter turn at a time, by the polynomials of FreeBSD's sin and
// cos on |x| <= pi/4.
static inline __attribute__((always_inline)) double FN(turn)(double t) {
  const double quarters = 4.0 * t, rounded = quarters + 0x1.8p52;
  const uint64_t q = bits(rounded);
  const double x = (quarters - (rounded - 0x1.8p52)) * 1.57079632679489661923, z = x * x;
  const double s =
      -1.66666666666666324348e-01 +
      z * (8.33333333332248946124e-03 +
           z * (-1.98412698298579493134e-04 +
                z * (2.75573137070700676789e-06 +
                     z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10))));
  const double c =
      4.16666666666666019037e-02 +
      z * (-1.38888888888741095749e-03 +
           z * (2.48015872894767294178e-05 +
                z * (-2.75573143513906633035e-07 +
                     z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11))));
  const double y = (q & 1) ? x + x * z * s : 1.0 - (0.5 * z - z * z * c);
  return real(bits(y) ^ ((((q + 1) >> 1) & 1) << 63));
}

void FN(dl_draw_uniform)(uint64_t key, uint64_t first, int64_t count, double *y) {
  VECTORIZE for (int64_t i = 0; i < count; i++) {
    uint64_t w[4];
    FN(philox)(key, first + (uint64_t)i, w);
    y[i] = FN(unit)(w[0], w[1]);
  }
}

void FN(dl_draw_normal)(uint64_t key, uint64_t first, int64_t count, double *y) {
  VECTORIZE for (int64_t i = 0; i < count; i++) {
    uint64_t w[4];
    FN(philox)(key, first + (uint64_t)i, w);
    const double far = -2.0 * FN(log)(1.0 - FN(unit)(w[0], w[1]));
    y[i] = __builtin_elementwise_sqrt(far) * FN(turn)(FN(unit)(w[2], w[3]));
  }
}

#undef FN
#undef CAT
#undef CAT_
