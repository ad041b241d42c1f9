// Elementary functions of float32 without branches, so that loops over them vectorise. Bounds in
// ulp are the largest errors that the kernel tests found, rounded up.

// e^x, 2 ulp. x = k ln 2 + r with |r| <= ln(2)/2; e^r by the minimax polynomial of Cephes (expf).
// 2^k is applied in two factors, so that results just over the range and subnormal ones are right.
static inline float DL_FN(poly, exp)(float r) {
  float p = 1.9875691500E-4f;
  p = p * r + 1.3981999507E-3f;
  p = p * r + 8.3334519073E-3f;
  p = p * r + 4.1665795894E-2f;
  p = p * r + 1.6666665459E-1f;
  p = p * r + 5.0000001201E-1f;
  return p * (r * r) + r;
}
static inline float DL_FN(exp, 1)(float x) {
  x = x > 89.0f ? 89.0f : x;
  x = x < -104.0f ? -104.0f : x;
  // Adding 1.5 * 2^23 rounds to an integer, which then lies in the low bits.
  float t = x * 1.44269504088896341f + 12582912.0f;
  uint32_t k = dl_bits(t) - 0x4b400000u;
  float kf = t - 12582912.0f;
  float r = x - kf * 0.693359375f;
  r = r - kf * -2.12194440e-4f;
  float y = DL_FN(poly, exp)(r) + 1.0f;
  uint32_t half = (uint32_t)((int32_t)k >> 1);
  return y * dl_float((half + 127) << 23) * dl_float((k - half + 127) << 23);
}
// e^x - 1, 3 ulp.
static inline float DL_FN(expm1, 1)(float x) {
  float small = DL_FN(poly, exp)(x), large = DL_FN(exp, 1)(x) - 1.0f;
  return __builtin_fabsf(x) < 0.34f ? small : large;
}

// Natural logarithm, 1 ulp. x = 2^k (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)); log(1 + f) from
// s = f / (2 + f) with the minimax polynomial of FreeBSD's logf.
static inline float DL_FN(log, 1)(float x) {
  int tiny = x < FLT_MIN;
  float s = tiny ? x * 0x1p25f : x;
  uint32_t u = dl_bits(s) - 0x3f3504f3u;
  float k = (float)((int32_t)u >> 23) - (tiny ? 25.0f : 0.0f);
  float f = dl_float((u & 0x7fffff) + 0x3f3504f3u) - 1.0f;
  float q = f / (2.0f + f), z = q * q, w = z * z;
  float r = z * (0.66666662693f + w * 0.28498786688f) + w * (0.40000972152f + w * 0.24279078841f);
  float h = 0.5f * f * f;
  float y = q * (h + r) + k * 9.0580006145e-06f - h + f + k * 6.9313812256e-01f;
  y = x == INFINITY ? x : y;
  y = x == 0.0f ? -INFINITY : y;
  return ((x < 0.0f) | (x != x)) ? NAN : y;
}
// log(1 + x) for x in [0, 1], 2 ulp: the rounding of 1 + x is taken back to first order.
static inline float DL_FN(log1p, 1)(float x) {
  float u = 1.0f + x;
  return DL_FN(log, 1)(u) + (x - (u - 1.0f)) / u;
}

// sin(x + turn pi/2), or tan x for a turn of 2, for |x| <= 1e6, 0.6 ulp. x = k pi/2 + r with |r| <=
// pi/4, both in double: k has at most 20 bits and the first part of pi/2 33, so their product is
// exact. Polynomials of ARM's optimized routines (sinf).
static inline float DL_FN(wave, 1)(float x, int turn) {
  const double v = x;
  // Adding 1.5 * 2^52 rounds to an integer, which then lies in the low bits.
  const double t = v * 0x1.45f306dc9c883p-1 + 0x1.8p52, k = t - 0x1.8p52;
  uint64_t q;
  memcpy(&q, &t, 8);
  q += (uint64_t)turn;
  const double r = (v - k * 0x1.921fb544p0) - k * 0x1.0b4611a626331p-34, z = r * r;
  const double s =
      r *
      (1.0 + z * (-0x1.555545995a603p-3 + z * (0x1.1107605230bc4p-7 + z * -0x1.994eb3774cf24p-13)));
  const double c =
      1.0 +
      z * (-0x1.ffffffd0c621cp-2 +
           z * (0x1.55553e1068f19p-5 + z * (-0x1.6c087e89a359dp-10 + z * 0x1.99343027bf8c3p-16)));
  if (turn == 2)
    return (float)((q & 1) ? -c / s : s / c);
  const double y = (q & 1) ? c : s;
  return (float)((q & 2) ? -y : y);
}

// 3 ulp. Below 0.625 the odd polynomial of Cephes (tanhf), above 1 - 2 / (e^2x + 1).
static inline float DL_FN(tanh, 1)(float x) {
  float a = __builtin_fabsf(x), z = x * x;
  float p = -5.70498872745E-3f;
  p = p * z + 2.06390887954E-2f;
  p = p * z - 5.37397155531E-2f;
  p = p * z + 1.33314422036E-1f;
  p = p * z - 3.33332819422E-1f;
  float small = p * z * x + x;
  float large = 1.0f - 2.0f / (DL_FN(exp, 1)(a + a) + 1.0f);
  return a < 0.625f ? small : __builtin_copysignf(large, x);
}

// 1 / (1 + e^-x), 4 ulp on both sides of 0.
static inline float DL_FN(sigmoid, 1)(float x) {
  float e = DL_FN(exp, 1)(-__builtin_fabsf(x)), s = 1.0f / (1.0f + e);
  float y = x < 0.0f ? e * s : s;
  return x != x ? x : y;
}

// Error function, 3 ulp. x P(x^2) below 0.92, above 1 - exp(-x Q(x)); P and Q are minimax fits of
// our own to erf(x) / x and -log(erfc x) / x, with errors of 5e-10 and 7e-10.
static inline float DL_FN(erf, 1)(float x) {
  float a = __builtin_fabsf(x), z = x * x;
  float p = 8.362292e-05f;
  p = p * z - 0.00081414764f;
  p = p * z + 0.0052009895f;
  p = p * z - 0.026859414f;
  p = p * z + 0.112836964f;
  p = p * z - 0.37612635f;
  p = p * z + 0.12837917f;
  float small = p * x + x;
  float t = a > 4.0f ? 4.0f : a;
  float q = 1.1523555e-05f;
  q = q * t - 0.00032566488f;
  q = q * t + 0.0036538115f;
  q = q * t - 0.023785442f;
  q = q * t + 0.10626325f;
  q = q * t + 0.6351358f;
  q = q * t + 1.1286522f;
  float large = 1.0f - DL_FN(exp, 1)(-(q * t));
  return a < 0.92f ? small : __builtin_copysignf(large, x);
}

// Arc tangent, 3 ulp, by the polynomial of Cephes (atanf) on |x| <= tan(pi/8), to which quotients
// bring all else.
static inline float DL_FN(atan, 1)(float x) {
  float a = __builtin_fabsf(x);
  int far = a > 2.414213562373095f, middle = a > 0.4142135623730950f;
  float t = far ? -1.0f / a : middle ? (a - 1.0f) / (a + 1.0f) : a;
  float base = far ? 1.57079632679489662f : middle ? 0.785398163397448310f : 0.0f;
  float z = t * t;
  float p = 8.05374449538e-2f;
  p = p * z - 1.38776856032e-1f;
  p = p * z + 1.99777106478e-1f;
  p = p * z - 3.33329491539e-1f;
  return __builtin_copysignf(base + (p * z * t + t), x);
}

// Arc sine of 0 <= a <= 1/2, whose square is z, by the polynomial of Cephes (asinf).
static inline float DL_FN(poly, asin)(float a, float z) {
  float p = 4.2163199048e-2f;
  p = p * z + 2.4181311049e-2f;
  p = p * z + 4.5470025998e-2f;
  p = p * z + 7.4953002686e-2f;
  p = p * z + 1.6666752422e-1f;
  return p * z * a + a;
}
// Arc sine, 3 ulp: beyond 1/2 by that of sqrt((1 - x) / 2).
static inline float DL_FN(asin, 1)(float x) {
  float a = __builtin_fabsf(x), z = a > 0.5f ? 0.5f * (1.0f - a) : a * a;
  float p = DL_FN(poly, asin)(a > 0.5f ? __builtin_elementwise_sqrt(z) : a, z);
  return __builtin_copysignf(a > 0.5f ? 1.57079632679489662f - (p + p) : p, x);
}
// Arc cosine, 2 ulp.
static inline float DL_FN(acos, 1)(float x) {
  float a = __builtin_fabsf(x), z = a > 0.5f ? 0.5f * (1.0f - a) : a * a;
  float p = DL_FN(poly, asin)(a > 0.5f ? __builtin_elementwise_sqrt(z) : a, z);
  float outer = x < 0.0f ? 3.14159265358979323f - (p + p) : p + p;
  return a > 0.5f ? outer : 1.57079632679489662f - __builtin_copysignf(p, x);
}

// 3 ulp. Below 1 the polynomial of Cephes (sinhf); e^x in two factors where it alone is too large.
static inline float DL_FN(sinh, 1)(float x) {
  float a = __builtin_fabsf(x), z = x * x;
  float p = 2.03721912945e-4f;
  p = p * z + 8.33028376239e-3f;
  p = p * z + 1.66667160211e-1f;
  float e = DL_FN(exp, 1)(a), root = DL_FN(exp, 1)(0.5f * a);
  float large = a > 88.0f ? 0.5f * root * root : 0.5f * e - 0.5f / e;
  return a < 1.0f ? p * z * x + x : __builtin_copysignf(large, x);
}
static inline float DL_FN(cosh, 1)(float x) {
  float a = __builtin_fabsf(x);
  float e = DL_FN(exp, 1)(a), root = DL_FN(exp, 1)(0.5f * a);
  return a > 88.0f ? 0.5f * root * root : 0.5f * e + 0.5f / e;
}

// 4 ulp. Below 1/2 the polynomial of Cephes (asinhf); squares that would be infinite are not taken.
static inline float DL_FN(asinh, 1)(float x) {
  float a = __builtin_fabsf(x), z = x * x;
  float p = 2.0122003309e-2f;
  p = p * z - 4.2699340972e-2f;
  p = p * z + 7.4847586088e-2f;
  p = p * z - 1.6666288134e-1f;
  float far = DL_FN(log, 1)(a) + 0.69314718055994531f;
  float large = a > 1e9f ? far : DL_FN(log, 1)(a + __builtin_elementwise_sqrt(a * a + 1.0f));
  return a < 0.5f ? p * z * x + x : __builtin_copysignf(large, x);
}
// 3 ulp. Below 3/2 the polynomial of Cephes (acoshf).
static inline float DL_FN(acosh, 1)(float x) {
  float t = x - 1.0f;
  float p = 1.7596881071e-3f;
  p = p * t - 7.5272886713e-3f;
  p = p * t + 2.6454905019e-2f;
  p = p * t - 1.1784741703e-1f;
  p = p * t + 1.4142135263f;
  float far = DL_FN(log, 1)(x) + 0.69314718055994531f;
  float large = x > 1e9f ? far : DL_FN(log, 1)(x + __builtin_elementwise_sqrt(x * x - 1.0f));
  return t < 0.5f ? p * __builtin_elementwise_sqrt(t) : large;
}
// 2 ulp. Below 1/2 the polynomial of Cephes (atanhf).
static inline float DL_FN(atanh, 1)(float x) {
  float a = __builtin_fabsf(x), z = x * x;
  float p = 1.81740078349e-1f;
  p = p * z + 8.24370301058e-2f;
  p = p * z + 1.46691431730e-1f;
  p = p * z + 1.99782164500e-1f;
  p = p * z + 3.33337300303e-1f;
  float large = 0.5f * DL_FN(log, 1)((1.0f + a) / (1.0f - a));
  return a < 0.5f ? p * z * x + x : __builtin_copysignf(large, x);
}

// The nearest integer, ties to even: adding and taking away 2^23 drops the fraction.
static inline float DL_FN(round, 1)(float x) {
  float a = __builtin_fabsf(x), r = (a + 0x1p23f) - 0x1p23f;
  return a < 0x1p23f ? __builtin_copysignf(r, x) : x;
}
static inline double DL_FN(round, 2)(double x) {
  double a = __builtin_fabs(x), r = (a + 0x1p52) - 0x1p52;
  return a < 0x1p52 ? __builtin_copysign(r, x) : x;
}

// The same names for float64, by the C library where nothing else is said.

// e^x, 1 ulp. x = k ln 2 + r with |r| <= ln(2)/2; e^r = 1 + r + r c / (2 - c) with the polynomial
// of FreeBSD's exp for c. 2^k is applied in two factors.
static inline double DL_FN(exp, 2)(double x) {
  x = x > 710.0 ? 710.0 : x;
  x = x < -746.0 ? -746.0 : x;
  // Adding 1.5 * 2^52 rounds to an integer, which then lies in the low bits.
  const double t = x * 1.44269504088896338700 + 0x1.8p52, k = t - 0x1.8p52;
  const double high = x - k * 6.93147180369123816490e-01, low = k * 1.90821492927058770002e-10;
  const double r = high - low, z = r * r;
  double p = 4.13813679705723846039e-08;
  p = p * z - 1.65339022054652515390e-06;
  p = p * z + 6.61375632143793436117e-05;
  p = p * z - 2.77777777770155933842e-03;
  p = p * z + 1.66666666666666019037e-01;
  const double c = r - p * z;
  const double y = 1.0 - ((low - r * c / (2.0 - c)) - high);
  uint64_t n;
  memcpy(&n, &t, 8);
  const int32_t whole = (int32_t)(uint32_t)n, half = whole >> 1;
  const uint64_t first = (uint64_t)(uint32_t)(half + 1023) << 52;
  const uint64_t second = (uint64_t)(uint32_t)(whole - half + 1023) << 52;
  double a, b;
  memcpy(&a, &first, 8);
  memcpy(&b, &second, 8);
  return y * a * b;
}
static inline double DL_FN(expm1, 2)(double x) { return expm1(x); }
static inline double DL_FN(log, 2)(double x) { return log(x); }
static inline double DL_FN(log1p, 2)(double x) { return log1p(x); }
// 2 ulp. Below 0.625 the rational function of Cephes (tanh), above 1 - 2 / (e^2x + 1).
static inline double DL_FN(tanh, 2)(double x) {
  const double a = __builtin_fabs(x), z = x * x;
  const double p =
      (-9.64399179425052238628e-1 * z - 9.92877231001918586564e1) * z - 1.61468768441708447952e3;
  const double q = ((z + 1.12811678491632931402e2) * z + 2.23548839060100448583e3) * z +
                   4.84406305325125486048e3;
  const double large = 1.0 - 2.0 / (DL_FN(exp, 2)(a + a) + 1.0);
  return __builtin_copysign(a < 0.625 ? a + a * z * (p / q) : large, x);
}
static inline double DL_FN(erf, 2)(double x) { return erf(x); }
static inline double DL_FN(sigmoid, 2)(double x) {
  const double e = DL_FN(exp, 2)(-__builtin_fabs(x)), y = (x < 0 ? e : 1) / (1 + e);
  return x != x ? x : y;
}
