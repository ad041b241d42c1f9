// Included once for each instruction set, with NAME appending its suffix. The compiler makes
// vectors of these loops. NaN stays, since it compares with nothing.

#define CLIP(FUNCTION, T)                                                                          \
  void NAME(FUNCTION)(size_t n, const void *from, const void *lowest, const void *highest,         \
                      void *to) {                                                                  \
    const T *x = from, low = *(const T *)lowest, high = *(const T *)highest;                       \
    T *y = to;                                                                                     \
    for (size_t i = 0; i < n; i++) {                                                               \
      T v = x[i];                                                                                  \
      v = v < low ? low : v;                                                                       \
      y[i] = v > high ? high : v;                                                                  \
    }                                                                                              \
  }

CLIP(dl_clip_f32, float)
CLIP(dl_clip_f64, double)
CLIP(dl_clip_i32, int32_t)

#undef CLIP
