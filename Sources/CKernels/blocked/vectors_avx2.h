// Vectors of 8 floats as the bodies of this folder see them.
#include <immintrin.h>

#define V __m256
#define LANES 8
#define LOAD(p) _mm256_loadu_ps(p)
#define STORE(p, v) _mm256_storeu_ps(p, v)
#define SPLAT(x) _mm256_set1_ps(x)
#define ADD(a, b) _mm256_add_ps(a, b)
#define SUB(a, b) _mm256_sub_ps(a, b)
#define MUL(a, b) _mm256_mul_ps(a, b)
#define DIV(a, b) _mm256_div_ps(a, b)
#define FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
// The second operand where either is NaN.
#define MAX(a, b) _mm256_max_ps(a, b)
#define MIN(a, b) _mm256_min_ps(a, b)
// All lanes or none, and a load that touches memory only where all.
#define WHOLE __m256i
#define WHOLE_IF(inside) _mm256_set1_epi32((inside) ? -1 : 0)
#define LOAD_WHERE(mask, p) _mm256_maskload_ps(p, mask)
// Lanes of x and y that are NaN join those in `bad`; SPOIL makes them NaN in v.
#define BAD __m256
#define NO_BAD _mm256_setzero_ps()
#define NOTE_NAN(bad, x, y) _mm256_or_ps(bad, _mm256_cmp_ps(x, y, _CMP_UNORD_Q))
#define BOTH_BAD(a, b) _mm256_or_ps(a, b)
#define SPOIL(v, bad) _mm256_or_ps(v, bad)
// Lane j of each group of `group` lanes, a power of two, and that lane of x in
// all of its group.
#define LANE_OF(group, j)                                                                          \
  _mm256_or_si256(_mm256_and_si256(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7),                      \
                                   _mm256_set1_epi32(-(int)(group))),                              \
                  _mm256_set1_epi32((int)(j)))
#define TAKE(x, lane) _mm256_permutevar8x32_ps(x, lane)
// Lanes of x that `places` names, in v; those below 0 leave v as it is.
#define PLACES __m256i
#define PLACES_AT(p) _mm256_loadu_si256((const __m256i *)(p))
#define PICK(v, places, x)                                                                         \
  _mm256_blendv_ps(_mm256_permutevar8x32_ps(x, places), v, _mm256_castsi256_ps(places))
