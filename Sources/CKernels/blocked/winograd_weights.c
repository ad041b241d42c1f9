#include "blocked.h"

// The rows of G for F(2x2, 3x3) and F(4x4, 3x3).
static const double two[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
static const double four[6][3] = {{1.0 / 4, 0, 0},
                                  {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                  {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                  {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                  {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                  {0, 0, 1}};

enum { SIDE = 8 };

// G g G' of SIDE kernels side by side, g[tap][kernel], in double: the rounding of the weights is
// then that of their result.
static void transform(intptr_t n, const double (*G)[3], double (*g)[SIDE], float *to,
                      intptr_t step) {
  double row[6][3][SIDE];
  for (intptr_t a = 0; a < n; a++)
    for (int b = 0; b < 3; b++)
      for (int i = 0; i < SIDE; i++)
        row[a][b][i] = G[a][0] * g[b][i] + G[a][1] * g[3 + b][i] + G[a][2] * g[6 + b][i];
  for (intptr_t a = 0; a < n; a++)
    for (intptr_t b = 0; b < n; b++)
      for (int i = 0; i < SIDE; i++)
        to[(a * n + b) * step + i] =
            (float)(row[a][0][i] * G[b][0] + row[a][1][i] * G[b][1] + row[a][2][i] * G[b][2]);
}

void dl_blocked_winograd_weights_f32(float *to, intptr_t step, intptr_t size,
                                     const dl_blocked_weights *k) {
  const intptr_t width = k->blocks * k->lanes, depth = (k->channels + 3) / 4 * 4;
  for (intptr_t m = 0; m < width; m += SIDE)
    for (intptr_t c = 0; c < depth; c++) {
      double g[9][SIDE];
      for (intptr_t i = 0; i < SIDE; i++) {
        const int isThere = c < k->channels && m + i < k->outputs;
        const float *from = k->weights + ((m + i) * k->channels + c) * 9;
        for (int t = 0; t < 9; t++)
          g[t][i] = isThere ? from[t] : 0.0;
      }
      transform(size + 2, size == 2 ? two : four, g, to + c * width + m, step);
    }
}
