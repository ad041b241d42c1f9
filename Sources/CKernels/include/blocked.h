// Kernels on images in blocked layout.
//
// A blocked image is [blocks][height][width][lanes] with 8 or 16 channels side by side ("lanes");
// lanes beyond the last channel hold zeros. Units are elements. Nothing is read or written outside
// of what each comment names. Memories do not overlap unless said; no alignment is needed.
#ifndef DL_BLOCKED_H
#define DL_BLOCKED_H
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// One block of channels from planes into lanes: to[p][l] = from[l * plane + p] for l < channels,
// 0 for channels <= l < lanes, over p < pixels. lanes is 8 or 16; __avx512 takes 16 only, __avx2
// takes 8 only.
#define DL_TO_BLOCKED(name)                                                                        \
  void name(float *to, const float *from, intptr_t pixels, intptr_t plane, intptr_t channels,      \
            intptr_t lanes)
DL_TO_BLOCKED(dl_to_blocked_f32__scalar);
DL_TO_BLOCKED(dl_to_blocked_f32__avx2);
DL_TO_BLOCKED(dl_to_blocked_f32__avx512);

// The way back: to[l * plane + p] = from[p][l] for l < channels, p < pixels.
#define DL_FROM_BLOCKED(name)                                                                      \
  void name(float *to, const float *from, intptr_t pixels, intptr_t plane, intptr_t channels,      \
            intptr_t lanes)
DL_FROM_BLOCKED(dl_from_blocked_f32__scalar);
DL_FROM_BLOCKED(dl_from_blocked_f32__avx2);
DL_FROM_BLOCKED(dl_from_blocked_f32__avx512);

#ifdef __cplusplus
}
#endif

#endif
