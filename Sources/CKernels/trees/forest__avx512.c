// Upper parts of trees for 64 rows at once: each row has a word of bits, one for each exit, and a
// failed test clears those of its left side; the first bit left is the row's exit. Two operations
// for 16 rows and a test, none of them dependent on another test's outcome.
//
// Source: Lucchese et al., QuickScorer, SIGIR 2015; Ye et al., RapidScorer, KDD 2018.
#include "../include/trees.h"

#if defined(__x86_64__)
#include <immintrin.h>

int dl_forest_has_avx512(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("bmi2");
}

#pragma clang attribute push(                                                                      \
    __attribute__((target("avx2,fma,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512cd"))),      \
    apply_to = function)
#define ISA avx512
#define ONLY_F32
#include "kinds.h"

// The exits of 64 rows whose columns start at `xt`.
static inline void exits64(const dl_forest *f, const dl_tree *tree, const float *xt, __m512i e[4]) {
  const __m512i all = _mm512_set1_epi32(-1);
  for (int w = (int)tree->words - 1; w >= 0; w--) {
    const dl_tree_word word = f->words[tree->first_word + (uint32_t)w];
    const dl_tree_test *test = f->tests + word.first;
    const dl_tree_test *end = test + word.count;
    __m512i v0 = all, v1 = all, v2 = all, v3 = all;
    for (; test < end; test++) {
      const float *x = xt + test->offset;
      const __m512 t = _mm512_set1_ps(test->value);
      const __m512i keep = _mm512_set1_epi32((int)test->keep);
      const __mmask16 k0 = _mm512_cmp_ps_mask(_mm512_loadu_ps(x), t, _CMP_NLE_UQ);
      const __mmask16 k1 = _mm512_cmp_ps_mask(_mm512_loadu_ps(x + 16), t, _CMP_NLE_UQ);
      const __mmask16 k2 = _mm512_cmp_ps_mask(_mm512_loadu_ps(x + 32), t, _CMP_NLE_UQ);
      const __mmask16 k3 = _mm512_cmp_ps_mask(_mm512_loadu_ps(x + 48), t, _CMP_NLE_UQ);
      v0 = _mm512_mask_and_epi32(v0, k0, v0, keep);
      v1 = _mm512_mask_and_epi32(v1, k1, v1, keep);
      v2 = _mm512_mask_and_epi32(v2, k2, v2, keep);
      v3 = _mm512_mask_and_epi32(v3, k3, v3, keep);
    }
    const __m512i base = _mm512_set1_epi32(32 * w);
#define EXIT(I, V)                                                                                 \
  e[I] = _mm512_mask_add_epi32(e[I], _mm512_test_epi32_mask(V, V), _mm512_lzcnt_epi32(V), base)
    EXIT(0, v0);
    EXIT(1, v1);
    EXIT(2, v2);
    EXIT(3, v3);
#undef EXIT
  }
}

// table[e], where `table` has 32 elements a word.
static inline __m512 look_up(const float *table, uint32_t words, __m512i e) {
  __m512 v = _mm512_permutex2var_ps(_mm512_loadu_ps(table), e, _mm512_loadu_ps(table + 16));
  for (uint32_t w = 1; w < words; w++) {
    table += 32;
    const __m512 u = _mm512_permutex2var_ps(_mm512_loadu_ps(table), e, _mm512_loadu_ps(table + 16));
    v = _mm512_mask_mov_ps(v, _mm512_cmpge_epi32_mask(e, _mm512_set1_epi32((int)(32 * w))), u);
  }
  return v;
}

static inline void add_table(const float *table, uint32_t words, const __m512i e[4], float *sums) {
  for (int j = 0; j < 4; j++)
    _mm512_storeu_ps(sums + 16 * j,
                     _mm512_add_ps(_mm512_loadu_ps(sums + 16 * j), look_up(table, words, e[j])));
}

// Puts where each row leaves the head into `at` and lists the rows that are not at a leaf yet.
static inline int leave_head(const uint32_t *codes, uint32_t words, const __m512i e[4], int first,
                             int count, uint32_t *at, uint32_t *list, int n) {
  const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  for (int j = 0; j < 4 && first + 16 * j < count; j++) {
    const int r = first + 16 * j;
    const __mmask16 valid = count - r >= 16 ? 0xFFFF : (__mmask16)((1u << (count - r)) - 1);
    // A table of other 32-bit words is looked up alike.
    const __m512i code = _mm512_castps_si512(look_up((const float *)codes, words, e[j]));
    _mm512_mask_storeu_epi32(at + r, valid, _mm512_srli_epi32(code, 1));
    const __mmask16 inner = _mm512_mask_testn_epi32_mask(valid, code, _mm512_set1_epi32(1));
    // Compressed in a register: straight to memory takes a hundred cycles on some CPUs.
    const __m512i places = _mm512_add_epi32(lanes, _mm512_set1_epi32(r));
    _mm512_storeu_si512(list + n, _mm512_maskz_compress_epi32(inner, places));
    n += __builtin_popcount(inner);
  }
  return n;
}

void dl_forest_sum_f32__avx512(const dl_forest *f, const float *x, const float *xt, int count,
                               float *sums, uint32_t *at, uint32_t *list) {
  if (count < 4) {
    sum_f32(f, x, count, sums, at, list);
    return;
  }
  const dl_tree_node_f32 *all = f->nodes;
  const size_t rows = (size_t)f->rows;
  for (int64_t t = 0; t < f->tree_count; t++) {
    const dl_tree *tree = &f->trees[t];
    const dl_tree_node_f32 *nodes = all + tree->nodes;
    if (tree->words == 0) {
      walk_rows_f32(f, tree, nodes, x, count, at, list);
      add_leaves_f32(f, tree, nodes, at, count, sums);
      continue;
    }
    int n = 0;
    for (int r = 0; r < count; r += 64) {
      __m512i e[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(),
                      _mm512_setzero_si512()};
      exits64(f, tree, xt + r, e);
      if (!tree->is_complete) {
        n = leave_head(f->codes + tree->table, tree->words, e, r, count, at, list, n);
        continue;
      }
      const float *table = f->tables + tree->table;
      if (tree->target >= 0)
        add_table(table, tree->words, e, sums + (size_t)tree->target * rows + r);
      else
        for (int k = 0; k < f->targets; k++)
          add_table(table + (size_t)k * 32 * tree->words, tree->words, e,
                    sums + (size_t)k * rows + r);
    }
    if (!tree->is_complete) {
      walk_list_f32(f, nodes, x, at, list, n);
      add_leaves_f32(f, tree, nodes, at, count, sums);
    }
  }
}
#pragma clang attribute pop
#else
int dl_forest_has_avx512(void) { return 0; }
#endif
