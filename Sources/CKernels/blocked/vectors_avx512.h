// Vectors of 16 floats as the bodies of this folder see them.
#include <immintrin.h>

#define V __m512
#define LANES 16
#define LOAD(p) _mm512_loadu_ps(p)
#define STORE(p, v) _mm512_storeu_ps(p, v)
#define SPLAT(x) _mm512_set1_ps(x)
#define ADD(a, b) _mm512_add_ps(a, b)
#define SUB(a, b) _mm512_sub_ps(a, b)
#define MUL(a, b) _mm512_mul_ps(a, b)
#define DIV(a, b) _mm512_div_ps(a, b)
#define FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
// The second operand where either is NaN.
#define MAX(a, b) _mm512_max_ps(a, b)
#define MIN(a, b) _mm512_min_ps(a, b)
// All lanes or none, and a load that touches memory only where all.
#define WHOLE __mmask16
#define WHOLE_IF(inside) ((__mmask16)((inside) ? 0xFFFF : 0))
#define LOAD_WHERE(mask, p) _mm512_maskz_loadu_ps(mask, p)
// Lanes of x and y that are NaN join those in `bad`; SPOIL makes them NaN in v.
#define BAD __mmask16
#define NO_BAD ((__mmask16)0)
#define NOTE_NAN(bad, x, y) ((__mmask16)((bad) | _mm512_cmp_ps_mask(x, y, _CMP_UNORD_Q)))
#define BOTH_BAD(a, b) ((__mmask16)((a) | (b)))
#define SPOIL(v, bad) _mm512_mask_mov_ps(v, bad, _mm512_set1_ps(__builtin_nanf("")))
// Lane j of each group of `group` lanes, a power of two, and that lane of x in
// all of its group.
#define LANE_OF(group, j)                                                                          \
  _mm512_or_si512(                                                                                 \
      _mm512_and_si512(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),    \
                       _mm512_set1_epi32(-(int)(group))),                                          \
      _mm512_set1_epi32((int)(j)))
#define TAKE(x, lane) _mm512_permutexvar_ps(lane, x)
// Lanes of x that `places` names, in v; those below 0 leave v as it is.
#define PLACES __m512i
#define PLACES_AT(p) _mm512_loadu_si512(p)
#define PICK(v, places, x)                                                                         \
  _mm512_mask_permutexvar_ps(                                                                      \
      v, _mm512_cmp_epi32_mask(places, _mm512_setzero_si512(), _MM_CMPINT_NLT), places, x)
