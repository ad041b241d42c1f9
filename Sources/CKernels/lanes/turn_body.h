// Included once for each instruction set, with NAME appending its suffix and TURN_TILES turning
// rows of over 8.

// Rows of at most DL_SHORT_ROW elements are folded as columns, DL_TURNED of them at a time.
static void NAME(turn)(const float *restrict x, ptrdiff_t rows, ptrdiff_t n, float *restrict to) {
#define TURN(N)                                                                                    \
  case N:                                                                                          \
    for (ptrdiff_t r = 0; r < rows; r++)                                                           \
      for (ptrdiff_t c = 0; c < (N); c++)                                                          \
        to[c * DL_TURNED + r] = x[r * (N) + c];                                                    \
    return;
  switch (n) {
    TURN(1)
    TURN(2)
    TURN(3)
    TURN(4)
    TURN(5)
    TURN(6)
    TURN(7)
    TURN(8)
  default:
    TURN_TILES(to, DL_TURNED * 4, x, n * 4, rows, n);
  }
#undef TURN
}
