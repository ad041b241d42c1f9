// What every body of this folder shares. A body is included once for each instruction set, with
// DL_ISA set to its name; DL_FN(op, t) names the copy.
#ifndef DL_ELEMENTWISE_COMMON_H
#define DL_ELEMENTWISE_COMMON_H

#include "../include/elementwise.h"
#include <float.h>
#include <math.h>
#include <string.h>

#define DL_CAT_(op, t, isa) dl_##op##_##t##__##isa
#define DL_CAT(op, t, isa) DL_CAT_(op, t, isa)
#define DL_FN(op, t) DL_CAT(op, t, DL_ISA)

// The output may be one of the inputs, place for place: no iteration reads what another wrote.
#define DL_VECTORIZE _Pragma("clang loop vectorize(assume_safety)")

// Elements of a tile of float32 on the stack, in which 16-bit floats are computed.
#define DL_TILE 256

// ONNX codes of the element types.
enum {
  C_f32 = 1,
  C_u8 = 2,
  C_i8 = 3,
  C_u16 = 4,
  C_i16 = 5,
  C_i32 = 6,
  C_i64 = 7,
  C_bool = 9,
  C_f16 = 10,
  C_f64 = 11,
  C_u32 = 12,
  C_u64 = 13,
  C_bf16 = 16
};

typedef float T_f32;
typedef double T_f64;
typedef uint8_t T_u8;
typedef uint16_t T_u16;
typedef uint32_t T_u32;
typedef uint64_t T_u64;
typedef int8_t T_i8;
typedef int16_t T_i16;
typedef int32_t T_i32;
typedef int64_t T_i64;
typedef uint8_t T_bool;

static inline uint32_t dl_bits(float x) {
  uint32_t u;
  memcpy(&u, &x, 4);
  return u;
}
static inline float dl_float(uint32_t u) {
  float x;
  memcpy(&x, &u, 4);
  return x;
}

#endif
