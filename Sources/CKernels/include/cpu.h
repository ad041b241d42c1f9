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
// The family of a processor by AMD: 25 is Zen 3 and 4, 26 Zen 5; 0 of others.
int32_t dl_cpu_amd_family(void);
// Bytes of the data cache of level 1, 2 or 3; 0 where the system does not say.
int64_t dl_cpu_cache_bytes(int32_t level);

// What a core can do at most, to hold kernels against: `rounds` rounds of multiplications with
// additions of float32 that wait for no memory, in the instruction set `isa`, which must be there.
// Returns the operations done, two for each pair; `result` gets a number that depends on all.
int64_t dl_peak_f32(int32_t isa, int64_t rounds, float *result);
// Copies `bytes` bytes; the two must not overlap.
void dl_peak_copy(void *to, const void *from, int64_t bytes);

#ifdef __cplusplus
}
#endif

#endif
