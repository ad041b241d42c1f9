#include "blocked.h"

enum { SIDE = 8, MOST = 7 };

// The rows of G for one tap, F(2, 3), F(4, 3), and three taps of stride 2: of these the first and
// the last meet every other input, as F(3, 2), the one between meets the others.
static const double one[1][3] = {{1, 0, 0}};
static const double two[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
static const double four[6][3] = {{1.0 / 4, 0, 0},
                                  {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                  {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                  {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                  {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                  {0, 0, 1}};
static const double half[7][3] = {{1, 0, 0}, {0.5, 0, 0.5}, {0.5, 0, -0.5}, {0, 0, 1},
                                  {0, 1, 0}, {0, 1, 0},     {0, 1, 0}};

typedef struct rows {
  intptr_t count, taps;
  const double (*row)[3];
} rows;

static rows rows_of(int32_t axis) {
  switch (axis) {
  case DL_WINOGRAD_TWO:
    return (rows){4, 3, two};
  case DL_WINOGRAD_FOUR:
    return (rows){6, 3, four};
  case DL_WINOGRAD_HALF:
    return (rows){7, 3, half};
  default:
    return (rows){1, 1, one};
  }
}

// G g G' of SIDE kernels side by side, g[row][column][kernel], in double: the rounding of the
// weights is then that of their result.
static void transform(rows h, rows w, double (*g)[3][SIDE], float *to, intptr_t step) {
  double row[MOST][3][SIDE];
  for (intptr_t a = 0; a < h.count; a++)
    for (int b = 0; b < 3; b++)
      for (int i = 0; i < SIDE; i++)
        row[a][b][i] =
            h.row[a][0] * g[0][b][i] + h.row[a][1] * g[1][b][i] + h.row[a][2] * g[2][b][i];
  for (intptr_t a = 0; a < h.count; a++)
    for (intptr_t b = 0; b < w.count; b++)
      for (int i = 0; i < SIDE; i++)
        to[(a * w.count + b) * step + i] =
            (float)(row[a][0][i] * w.row[b][0] + row[a][1][i] * w.row[b][1] +
                    row[a][2][i] * w.row[b][2]);
}

void dl_blocked_winograd_weights_f32(float *to, intptr_t step, const dl_winograd_filter *f,
                                     const dl_blocked_weights *k) {
  const intptr_t width = k->blocks * k->lanes, fours = (k->channels + 3) / 4 * 4;
  const rows h = rows_of(f->axis[0]), w = rows_of(f->axis[1]);
  const intptr_t parts = f->parts[0] * f->parts[1];
  for (intptr_t part = 0; part < parts; part++) {
    const intptr_t top = part / f->parts[1] * h.taps, left = part % f->parts[1] * w.taps;
    const intptr_t depth = part + 1 < parts ? f->part_depth : fours;
    for (intptr_t m = 0; m < width; m += SIDE)
      for (intptr_t c = 0; c < depth; c++) {
        double g[3][3][SIDE];
        for (intptr_t i = 0; i < SIDE; i++) {
          const int isThere = c < k->channels && m + i < k->outputs;
          const float *from = k->weights + ((m + i) * k->channels + c) * f->taps[0] * f->taps[1];
          for (intptr_t a = 0; a < 3; a++)
            for (intptr_t b = 0; b < 3; b++) {
              const int isTap = isThere && a < h.taps && b < w.taps && top + a < f->taps[0] &&
                                left + b < f->taps[1];
              g[a][b][i] = isTap ? from[(top + a) * f->taps[1] + left + b] : 0.0;
            }
        }
        transform(h, w, g, to + (part * f->part_depth + c) * width + m, step);
      }
  }
}
