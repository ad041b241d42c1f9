// One tile of the float32 product with every epilogue, edges included.
#include "gemm.h"
#include "check.h"

// How the elements of A lie, in turn: packed, row by row, neither.
static void layout(int kind, intptr_t m, intptr_t k, intptr_t *row, intptr_t *step) {
  *row = kind == 0 ? 1 : kind == 1 ? k + 2 : 3;
  *step = kind == 0 ? m : kind == 1 ? 1 : 3 * m + 1;
}

// The plain tile takes four rows at most.
static void plain(intptr_t m, intptr_t n, intptr_t k, const float *a, intptr_t a_row,
                  intptr_t a_step, const float *b, intptr_t ldb, float *c, intptr_t ldc,
                  const dl_gemm_epilogue *e) {
  for (intptr_t i = 0; i < m; i += 4) {
    dl_gemm_epilogue own = *e;
    if (e->addend)
      own.addend = (const float *)e->addend + i * e->addend_row;
    if (e->residual)
      own.residual = (const float *)e->residual + i * e->residual_row;
    dl_gemm_f32_4x16__scalar(m - i < 4 ? m - i : 4, n, k, a + i * a_row, a_row, a_step, b, ldb,
                             c + i * ldc, ldc, &own);
  }
}

static void one(family *f, intptr_t m, intptr_t n, intptr_t k, int kind, int options) {
  static const double parameters[1] = {0.25};
  const uint32_t NaNs = draw_below(4) ? 0 : 64;
  intptr_t a_row, a_step;
  layout(kind, m, k, &a_row, &a_step);
  const intptr_t ldb = n + draw_below(3), ldc = n + draw_below(3);
  const float *a = room((m - 1) * a_row + (k > 0 ? k - 1 : 0) * a_step + 1, NaNs);
  const float *b = room(k > 0 ? (k - 1) * ldb + n : 0, NaNs);
  const intptr_t size = (m - 1) * ldc + n;
  float *c = room(size, NaNs), *reference = copy_of(c, size);
  dl_gemm_epilogue e = {.alpha = 1, .beta = 1};
  e.accumulate = options & 1;
  options >>= 1;
  // 0: not final; then alpha, clip, function, residual, and seven kinds of addend.
  if (options > 0) {
    e.final = 1;
    const int rest = options - 1, addend = rest / 16;
    if (rest & 1)
      e.alpha = 0.7;
    if (rest & 2) {
      e.clip = 1;
      e.low = -0.3;
      e.high = 0.4;
    }
    if (rest & 4) {
      e.function = half_plus;
      e.parameters = parameters;
    }
    if (rest & 8) {
      e.residual_row = n + 1;
      e.residual = room((m - 1) * (n + 1) + n, NaNs);
    }
    if (addend > 0) {
      static const intptr_t columns[3] = {0, 1, 3};
      e.addend_column = columns[(addend - 1) % 3];
      e.addend_row = draw_below(2) ? 3 * n + 1 : 0;
      e.beta = addend > 3 ? -1.3 : 1;
      e.addend = room((m - 1) * e.addend_row + (n - 1) * e.addend_column + 1, NaNs);
    }
    e.plain = e.alpha == 1 && e.beta == 1 && !e.function &&
              (!e.addend || (e.addend_row == 0 && e.addend_column == 1));
  }
  dl_gemm_f32_6x16__neon(m, n, k, a, a_row, a_step, b, ldb, c, ldc, &e);
  plain(m, n, k, a, a_row, a_step, b, ldb, reference, ldc, &e);
  compare(f, c, reference, size, 1);
  release();
}

int check_gemm(void) {
  static const intptr_t depths[4] = {0, 1, 4, 19};
  family f = {"product 6x16", 0, 0, 0};
  for (intptr_t m = 1; m <= 6; m++)
    for (intptr_t n = 1; n <= 16; n++)
      for (int d = 0; d < 4; d++)
        for (int options = 0; options < 2 * (1 + 16 * 7); options++)
          one(&f, m, n, depths[d], options % 3, options);
  for (intptr_t m = 1; m <= 6; m++)
    for (intptr_t n = 1; n <= 16; n++)
      for (int kind = 0; kind < 3; kind++)
        for (int i = 0; i < 20; i++)
          one(&f, m, n, 1 + draw_below(200), kind, (int)draw_below(2 * (1 + 16 * 7)));
  return report(&f);
}
