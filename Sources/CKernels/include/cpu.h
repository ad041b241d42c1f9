// What the CPU at hand can do.
#ifndef DL_CPU_H
#define DL_CPU_H
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// 0: plain C only; 1: AVX2, FMA and F16C; 2: AVX-512 F, BW, DQ and VL; 3: with VNNI.
int32_t dl_cpu_isa(void);
// Whether AVX-512 BF16 is there.
int32_t dl_cpu_bf16(void);
// Bytes of the data cache of level 1, 2 or 3; 0 where the system does not say.
int64_t dl_cpu_cache_bytes(int32_t level);

#ifdef __cplusplus
}
#endif

#endif
