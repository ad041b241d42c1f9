// Included once for each instruction set, with NAME appending its suffix. Integers and float64, by
// vectors of 64 bytes.

// The second operand where it is beyond the first, or NaN.
#define MORE(a, v) ((((v) > (a)) | ((v) != (v))) ? (v) : (a))
#define FEWER(a, v) ((((v) < (a)) | ((v) != (v))) ? (v) : (a))

#define TYPED(t, T)                                                                                \
  typedef T NAME(v_##t) __attribute__((ext_vector_type(64 / sizeof(T)), aligned(sizeof(T))));      \
                                                                                                   \
  EXTREME(t, T, largest, MORE)                                                                     \
  EXTREME(t, T, least, FEWER)                                                                      \
                                                                                                   \
  static int64_t NAME(place_##t)(const T *x, ptrdiff_t n, int least, int last) {                   \
    const T top = least ? NAME(least_##t)(x, n) : NAME(largest_##t)(x, n);                         \
    const int bad = top != top;                                                                    \
    const ptrdiff_t each = 64 / (ptrdiff_t)sizeof(T);                                              \
    ptrdiff_t i = last ? n : 0;                                                                    \
    if (last) {                                                                                    \
      while (!bad && i >= each && !FOUND(t, x + i - each))                                         \
        i -= each;                                                                                 \
      while (bad ? x[i - 1] == x[i - 1] : x[i - 1] != top)                                         \
        i--;                                                                                       \
      return i - 1;                                                                                \
    }                                                                                              \
    while (!bad && i + each <= n && !FOUND(t, x + i))                                              \
      i += each;                                                                                   \
    while (bad ? x[i] == x[i] : x[i] != top)                                                       \
      i++;                                                                                         \
    return i;                                                                                      \
  }                                                                                                \
                                                                                                   \
  /* NaN before all, the first or the last of equals. */                                           \
  static void NAME(places_##t)(const T *x, ptrdiff_t n, ptrdiff_t m, ptrdiff_t w, int least,       \
                               int last, int64_t *y) {                                             \
    T best[64];                                                                                    \
    int32_t place[64];                                                                             \
    memcpy(best, x, (size_t)w * sizeof(T));                                                        \
    memset(place, 0, sizeof place);                                                                \
    for (ptrdiff_t i = 1; i < n; i++)                                                              \
      for (ptrdiff_t j = 0; j < w; j++) {                                                          \
        const T v = x[i * m + j], b = best[j];                                                     \
        const int beyond = (least ? v < b : v > b) | (v != v);                                     \
        const int wins = (beyond & (b == b)) | (last & ((v == b) | (v != v)));                     \
        best[j] = wins ? v : b;                                                                    \
        place[j] = wins ? (int32_t)i : place[j];                                                   \
      }                                                                                            \
    for (ptrdiff_t j = 0; j < w; j++)                                                              \
      y[j] = place[j];                                                                             \
  }

#define FOUND(t, at) __builtin_reduce_or((*(const NAME(v_##t) *)(at)) == (NAME(v_##t))(top))

// A row's last vector may overlap the one before it: an element counts twice as it counts once.
#define EXTREME(t, T, OP, PICK)                                                                    \
  static T NAME(OP##_##t)(const T *x, ptrdiff_t n) {                                               \
    const ptrdiff_t each = 64 / (ptrdiff_t)sizeof(T);                                              \
    T top = x[0];                                                                                  \
    if (n < each) {                                                                                \
      for (ptrdiff_t i = 1; i < n; i++)                                                            \
        top = PICK(top, x[i]);                                                                     \
      return top;                                                                                  \
    }                                                                                              \
    NAME(v_##t) a = *(const NAME(v_##t) *)x, b = a, c = a, d = a, v;                               \
    ptrdiff_t i = 0;                                                                               \
    for (; i + 4 * each <= n; i += 4 * each) {                                                     \
      v = *(const NAME(v_##t) *)(x + i), a = PICK(a, v);                                           \
      v = *(const NAME(v_##t) *)(x + i + each), b = PICK(b, v);                                    \
      v = *(const NAME(v_##t) *)(x + i + 2 * each), c = PICK(c, v);                                \
      v = *(const NAME(v_##t) *)(x + i + 3 * each), d = PICK(d, v);                                \
    }                                                                                              \
    for (; i + each <= n; i += each)                                                               \
      v = *(const NAME(v_##t) *)(x + i), a = PICK(a, v);                                           \
    v = *(const NAME(v_##t) *)(x + n - each), a = PICK(a, v);                                      \
    a = PICK(a, b), c = PICK(c, d), a = PICK(a, c);                                                \
    T lane[64 / sizeof(T)];                                                                        \
    memcpy(lane, &a, sizeof lane);                                                                 \
    for (ptrdiff_t half = each / 2; half > 0; half /= 2)                                           \
      for (ptrdiff_t l = 0; l < half; l++)                                                         \
        lane[l] = PICK(lane[l], lane[l + half]);                                                   \
    return lane[0];                                                                                \
  }

TYPED(u8, uint8_t)
TYPED(i8, int8_t)
TYPED(u16, uint16_t)
TYPED(i16, int16_t)
TYPED(u32, uint32_t)
TYPED(i32, int32_t)
TYPED(u64, uint64_t)
TYPED(i64, int64_t)
TYPED(f64, double)

// ONNX' numbers of the element types.
#define EACH_TYPE(CASE)                                                                            \
  switch (type) {                                                                                  \
    CASE(2, u8, uint8_t)                                                                           \
    CASE(3, i8, int8_t)                                                                            \
    CASE(4, u16, uint16_t)                                                                         \
    CASE(5, i16, int16_t)                                                                          \
    CASE(6, i32, int32_t)                                                                          \
    CASE(7, i64, int64_t)                                                                          \
    CASE(11, f64, double)                                                                          \
    CASE(12, u32, uint32_t)                                                                        \
    CASE(13, u64, uint64_t)                                                                        \
  default:                                                                                         \
    break;                                                                                         \
  }

void NAME(dl_extreme_rows)(int type, const void *x, ptrdiff_t rows, ptrdiff_t n, int least,
                           void *y) {
#define CASE(number, t, T)                                                                         \
  case number:                                                                                     \
    for (ptrdiff_t r = 0; r < rows; r++) {                                                         \
      const T *row = (const T *)x + r * n;                                                         \
      ((T *)y)[r] = least ? NAME(least_##t)(row, n) : NAME(largest_##t)(row, n);                   \
    }                                                                                              \
    break;
  EACH_TYPE(CASE)
#undef CASE
}

void NAME(dl_arg_rows)(int type, const void *x, ptrdiff_t rows, ptrdiff_t n, int least, int last,
                       int64_t *y) {
#define CASE(number, t, T)                                                                         \
  case number:                                                                                     \
    for (ptrdiff_t r = 0; r < rows; r++)                                                           \
      y[r] = NAME(place_##t)((const T *)x + r * n, n, least, last);                                \
    break;
  EACH_TYPE(CASE)
#undef CASE
}

void NAME(dl_arg_cols)(int type, const void *x, ptrdiff_t n, ptrdiff_t m, ptrdiff_t j0, ptrdiff_t w,
                       int least, int last, int64_t *y) {
#define CASE(number, t, T)                                                                         \
  case number:                                                                                     \
    for (ptrdiff_t j = j0; j < j0 + w; j += 64)                                                    \
      NAME(places_##t)                                                                             \
    ((const T *)x + j, n, m, j0 + w - j < 64 ? j0 + w - j : 64, least, last, y + j);               \
    break;
  EACH_TYPE(CASE)
#undef CASE
}

#undef MORE
#undef FEWER
#undef TYPED
#undef FOUND
#undef EXTREME
#undef EACH_TYPE
